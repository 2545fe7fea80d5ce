import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimAbandoned, claimInstances } from '../../../src/embedded/instance.ts';
import { countUnsavedTokens } from '../../../src/embedded/unsaved-tokens.ts';

let dataDir: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'token-broker-instances-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  rmSync(dataDir, { recursive: true, force: true });
});

const source = pathToFileURL(resolve('src/embedded/instance.ts')).href;
const claimAndStay = `
  const { claimInstances } = await import(${JSON.stringify(source)});
  const instances = await claimInstances(process.argv[1]);
  process.stdout.write(JSON.stringify(instances.map(({ id }) => id)) + '\\n');
  setInterval(() => {}, 1000);`;

/** Starts another process on the data directory. Returns the ids it claimed; it runs until it is killed. */
async function startOther(): Promise<{ child: ChildProcess; ids: string[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', claimAndStay, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  return { child, ids: JSON.parse(line.toString('utf8')) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('processes that start together on one data directory each get a folder of their own', async () => {
  const others = await Promise.all([startOther(), startOther(), startOther()]);
  const ids = others.flatMap(({ ids }) => ids);
  expect(new Set(ids).size).toBe(3);
  expect(readdirSync(join(dataDir, 'instances')).sort()).toEqual([...ids].sort());
});

test('a live process keeps its folder, and the folder of a killed one is claimed under the same id', async () => {
  const [living, killed] = [await startOther(), await startOther()];
  await kill(killed.child);
  const claimed = await claimInstances(dataDir);
  expect(claimed.map(({ id }) => id)).toEqual(killed.ids);
  expect(claimed[0].directory).toBe(join(dataDir, 'instances', killed.ids[0] ?? ''));
  expect(await claimAbandoned(dataDir)).toEqual([]);
  await kill(living.child);
  expect((await claimAbandoned(dataDir)).map(({ id }) => id)).toEqual(living.ids);
});

test('when several processes find the same dead ones, each folder goes to one of them', async () => {
  const dead = [await startOther(), await startOther(), await startOther()];
  await Promise.all(dead.map(({ child }) => kill(child)));
  const heirs = await Promise.all([startOther(), startOther()]);
  const inherited = heirs.flatMap(({ ids }) => ids);
  expect(new Set(inherited).size).toBe(inherited.length);
  expect(inherited).toEqual(expect.arrayContaining(dead.flatMap(({ ids }) => ids)));
});

test('a released folder is claimed by the next process', async () => {
  const [first] = await claimInstances(dataDir);
  first.release();
  const [again] = await claimInstances(dataDir);
  expect(again.id).toBe(first.id);
});

test('other files in the folder of the instances are ignored', async () => {
  const [mine] = await claimInstances(dataDir);
  writeFileSync(join(dataDir, 'instances', 'notes.txt'), 'unrelated');
  expect(await claimAbandoned(dataDir)).toEqual([]);
  mine.release();
  expect((await claimAbandoned(dataDir)).map(({ id }) => id)).toEqual([mine.id]);
});

test('unsaved tokens of this process and of ended ones count, those of other live processes do not', async () => {
  expect(await countUnsavedTokens(join(dataDir, 'absent'))).toBe(0);
  const [own] = await claimInstances(dataDir);
  const other = await startOther();
  const spool = (id: string, ...names: string[]) => {
    mkdirSync(join(dataDir, 'instances', id), { recursive: true });
    for (const name of names) writeFileSync(join(dataDir, 'instances', id, name), '');
  };
  spool(own.id, 'a.1.tokens', 'b.1.tokens', 'c.1.tokens.new');
  spool(other.ids[0] ?? '', 'd.1.tokens');
  expect(await countUnsavedTokens(dataDir)).toBe(2);
  await kill(other.child);
  spool('never-locked', 'e.1.tokens');
  expect(await countUnsavedTokens(dataDir)).toBe(4);
  own.release();
});
