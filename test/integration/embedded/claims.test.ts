import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tryClaim } from '../../../src/embedded/claim.ts';
import { beat, type ClaimRecord, describeOwnProcess, sharesSockets } from '../../../src/embedded/claim-record.ts';
import { listenIn } from '../../../src/embedded/claim-socket.ts';
import { acquireLock } from '../../../src/embedded/lock.ts';
import { type Claimant, startClaimant } from '../../support/processes/claimants.ts';
import { describeWithNamespaces, inNamespaces } from '../../support/processes/namespaces.ts';

let folder: string;
let path: string;
const claimants: Claimant[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-broker-claims-'));
  path = join(folder, 'lock');
});

afterEach(async () => {
  await Promise.all(claimants.splice(0).map((claimant) => claimant.kill()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(...prefix: string[]): Promise<Claimant> {
  const claimant = await startClaimant(prefix);
  claimants.push(claimant);
  return claimant;
}

/** Claims the path in this process and returns whether that worked. */
async function canClaim(target = path): Promise<boolean> {
  const found = await tryClaim(target);
  if ('release' in found) found.release();
  return 'release' in found;
}

/** Leaves a claim as a process does that was killed `secondsAgo`. */
async function leaveClaim(changes: Partial<ClaimRecord> & { secondsAgo?: number; socket?: boolean }, target = path) {
  const { secondsAgo = 0, socket = true, ...members } = changes;
  const draft = `${target}-draft`;
  mkdirSync(draft);
  const server = socket ? await listenIn(draft, 'earlier.sock') : undefined;
  // In this order: closing removes the socket at the path where it was made.
  renameSync(draft, target);
  server?.close();
  const file = join(target, 'earlier.json');
  writeFileSync(file, JSON.stringify({ ...describeOwnProcess(target, true), ...members }));
  setBeat(file, secondsAgo);
}

function setBeat(file: string, secondsAgo: number): void {
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(file, time, time);
}

test('of 8 processes that contend for a dead claim exactly one wins, in every round', async () => {
  const contenders = await Promise.all(Array.from({ length: 8 }, () => start()));
  for (let round = 0; round < 30; round++) {
    const target = join(folder, `lock-${round}`);
    const dead = await tryClaim(target);
    if (!('release' in dead)) throw new Error('the claim of the round was taken');
    dead.handOver();
    const attempts = await Promise.all(contenders.map(({ claim }) => claim(target)));
    const winners = contenders.filter((_, index) => attempts[index]?.won);
    expect(winners).toHaveLength(1);
    expect(readdirSync(target)).toHaveLength(2);
    await winners[0]?.release();
  }
  expect(readdirSync(folder)).toEqual([]);
}, 120_000);

test('of 8 processes that contend for a claim of a silent other host exactly one wins, in every round', async () => {
  const contenders = await Promise.all(Array.from({ length: 8 }, () => start()));
  for (let round = 0; round < 30; round++) {
    const target = join(folder, `lock-${round}`);
    await leaveClaim({ boot: 'of another host', listens: false, socket: false, secondsAgo: 31 }, target);
    const attempts = await Promise.all(contenders.map(({ claim }) => claim(target)));
    expect(attempts.filter(({ won }) => won)).toHaveLength(1);
    await contenders[attempts.findIndex(({ won }) => won)]?.release();
  }
}, 120_000);

test.each(['lock', join('long'.repeat(50), 'lock')])('a killed holder of %s is replaced at once', async (name) => {
  const target = join(folder, name);
  mkdirSync(join(target, '..'), { recursive: true });
  const holder = await start();
  expect(await holder.claim(target)).toEqual({ won: true, warnings: [] });
  const found = await tryClaim(target);
  expect(found).toMatchObject({ proof: 'socket', isOwn: false, record: { pid: holder.child.pid } });
  await holder.kill();
  expect(await canClaim(target)).toBe(true);
});

test('a stopped holder keeps its claim, also when its queue of connections is full', async () => {
  const holder = await start();
  await holder.claim(path);
  holder.child.kill('SIGSTOP');
  for (let attempt = 0; attempt < 1000; attempt++) expect(await tryClaim(path)).toMatchObject({ proof: 'socket' });
  await holder.kill();
  expect(await canClaim()).toBe(true);
});

test('a claim that this process holds is not taken by it again', async () => {
  const claim = await tryClaim(path);
  expect(await tryClaim(path)).toMatchObject({ isOwn: true, record: { pid } });
  if ('release' in claim) claim.release();
  expect(await canClaim()).toBe(true);
});

describe('a claim whose socket is refused or absent', () => {
  test.each<[string, Parameters<typeof leaveClaim>[0], boolean]>([
    ['this boot', {}, true],
    ['another boot, a moment ago', { boot: 'earlier' }, false],
    ['another boot, 31 s ago', { boot: 'earlier', secondsAgo: 31 }, true],
    ['another boot, later than the clock by 31 s', { boot: 'earlier', secondsAgo: -31 }, true],
    ['an unknown boot, a moment ago', { boot: null }, false],
    ['this boot, through another mount of the folder', { mount: 'another' }, false],
    ['this boot, its socket deleted a moment ago', { socket: false }, false],
    ['this boot, its socket deleted 31 s ago', { socket: false, secondsAgo: 31 }, true],
    ['no socket by design, its process ended', { socket: false, listens: false, started: 'earlier' }, true],
    ['no socket by design, in another PID namespace', { socket: false, listens: false, namespace: 'another' }, false],
  ])('from %s', async (_, changes, isDead) => {
    await leaveClaim(changes);
    expect(await canClaim()).toBe(isDead);
  });

  test('without a readable record counts by its heartbeat', async () => {
    await leaveClaim({});
    writeFileSync(join(path, 'earlier.json'), '');
    expect(await tryClaim(path)).toMatchObject({ proof: 'heartbeat', record: null });
    setBeat(join(path, 'earlier.json'), 31);
    expect(await canClaim()).toBe(true);
  });

  test('and removed by another process meanwhile is looked at again', () => {
    const record = describeOwnProcess(folder, true);
    expect(sharesSockets(record, folder)).toBe(true);
    expect(sharesSockets(record, join(folder, 'removed'))).toBeUndefined();
  });

  test('and half removed is free', async () => {
    await leaveClaim({});
    rmSync(join(path, 'earlier.json'));
    expect(await canClaim()).toBe(true);
  });
});

test('the lock file of version 0.1 counts by its heartbeat', async () => {
  writeFileSync(path, JSON.stringify({ pid, identity: 'x', host: 'y' }));
  expect(await tryClaim(path)).toMatchObject({ proof: 'heartbeat' });
  setBeat(path, 31);
  expect(await canClaim()).toBe(true);
});

describe('the lock of a data directory left on another host or before a restart', () => {
  test('is refused when the next heartbeat comes', async () => {
    const lock = join(folder, 'broker.lock');
    await leaveClaim({ boot: 'another', host: 'elsewhere', pid: 7 }, lock);
    const beats = setInterval(() => beat(join(lock, 'earlier.json')), 1000);
    await expect(acquireLock(folder)).rejects.toThrow(/process 7 in another container .* on host elsewhere, runs on/);
    clearInterval(beats);
  });

  test('is taken when no heartbeat came for 30 s', async () => {
    await leaveClaim({ boot: 'another', secondsAgo: 28 }, join(folder, 'broker.lock'));
    const messages: string[] = [];
    const lock = await acquireLock(folder, (_, message) => messages.push(message));
    lock.release();
    expect(messages).toEqual([expect.stringMatching(/^waiting/)]);
  });
});

describeWithNamespaces('claims across PID namespaces', () => {
  test('a holder in another namespace keeps its claim, and killed it is replaced at once by the same pid', async () => {
    const holder = await start(...inNamespaces());
    await holder.claim(path);
    expect(await tryClaim(path)).toMatchObject({ proof: 'socket', record: { pid: 1 } });
    const next = await start(...inNamespaces({ network: true }));
    expect(await next.claim(path)).toEqual({ won: false, proof: 'socket', pid: 1 });
    await holder.kill();
    // Killing unshare kills the process in the namespace a moment later.
    await expect.poll(async () => (await next.claim(path)).won).toBe(true);
  });
});
