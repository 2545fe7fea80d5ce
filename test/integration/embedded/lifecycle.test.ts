import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getuid, kill, platform, ppid } from 'node:process';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeOwnProcess } from '../../../src/embedded/claim-record.ts';
import { findPostmaster, stopPostmaster } from '../../../src/embedded/cluster/postmaster.ts';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { isAlive } from '../../../src/embedded/process-identity.ts';
import { copyCheckout } from '../../support/processes/checkout-copy.ts';
import { startEmbeddedBroker } from '../../support/processes/embedded-broker.ts';
import { createTemporaryFolder } from '../../support/processes/temporary-folder.ts';

let home: string;
let dataDir: string;
let shelter: string;

beforeEach(() => {
  home = createTemporaryFolder('token-broker-embedded-');
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

test('rows of the embedded database survive a stop and a second start', async () => {
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

test.runIf(platform === 'linux')('the embedded database does not run as root', async () => {
  const broker = await start();
  expect(statSync(`/proc/${broker.databasePid}`).uid).not.toBe(0);
  await broker.kill('SIGTERM');
});

test('a second start beside a live broker is refused and names its pid', async () => {
  const broker = await start();
  await expect(start()).rejects.toThrow(
    `Another broker, process ${broker.pid} on host ${hostname()}, runs on ${dataDir}`,
  );
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

test('after kill -9 of broker and database the next start recovers the rows', async () => {
  const killed = await start();
  await write(killed.url);
  await killed.kill('SIGKILL');
  kill(killed.databasePid, 'SIGKILL');
  const next = await start();
  expect(next.databasePid).not.toBe(killed.databasePid);
  expect(await read(next.url)).toEqual(kept);
  await next.kill('SIGTERM');
});

test('an embedded database killed under a live broker is restarted at the same address', async () => {
  const broker = await start();
  await write(broker.url);
  kill(broker.databasePid, 'SIGKILL');
  await vi.waitFor(async () => expect(await read(broker.url)).toEqual(kept), { timeout: 30_000, interval: 100 });
  expect(findPostmaster(join(dataDir, 'postgres'))?.pid).not.toBe(broker.databasePid);
  await broker.kill('SIGTERM');
  expect(findPostmaster(join(dataDir, 'postgres'))).toBeUndefined();
});

test('a start succeeds when pids of the dead broker and database belong to other programs', async () => {
  const first = await start();
  await write(first.url);
  await first.kill('SIGTERM');
  mkdirSync(join(dataDir, 'broker.lock'));
  const record = { ...describeOwnProcess(dataDir, false), pid: ppid, started: 'an earlier tick' };
  writeFileSync(join(dataDir, 'broker.lock', 'earlier.json'), JSON.stringify(record));
  writeFileSync(
    join(dataDir, 'postgres', 'postmaster.pid'),
    `${ppid}\n${dataDir}/postgres\n1\n1\n\n127.0.0.1\n1 1\nready\n`,
  );
  const next = await start();
  expect(await read(next.url)).toEqual(kept);
  await next.kill('SIGTERM');
});

test('a partial cluster of a killed first start is replaced', async () => {
  mkdirSync(join(dataDir, 'postgres.new-abc', 'data', 'base'), { recursive: true });
  const broker = await start();
  expect(readdirSync(dataDir).filter((name) => name.startsWith('postgres.new'))).toEqual([]);
  await broker.kill('SIGTERM');
});

test('exactly one of several processes that start at once after a kill runs', async () => {
  const killed = await start();
  await killed.kill('SIGKILL');
  const starts = await Promise.allSettled(Array.from({ length: 5 }, start));
  const running = starts.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = starts.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  expect(running).toHaveLength(1);
  for (const message of refused) expect(message).toContain(`process ${running[0]?.pid} on`);
  await running[0]?.kill('SIGTERM');
});

test('no encryption key is generated for a database whose key file is missing', async () => {
  const first = await start();
  await first.kill('SIGTERM');
  rmSync(join(dataDir, 'encryption-keys'));
  await expect(start()).rejects.toThrow(
    /encryption-keys, the key to its data, does not.*no new key is made over existing data/,
  );
  expect(existsSync(join(dataDir, 'encryption-keys'))).toBe(false);
});

test('a cluster of another PostgreSQL version is refused with instructions', async () => {
  const first = await start();
  await first.kill('SIGTERM');
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '14\n');
  await expect(start()).rejects.toThrow(/made by PostgreSQL 14, and this version brings \d+/);
});

test.runIf(getuid?.() === 0)('root can keep its data in a directory that other users cannot traverse', async () => {
  chmodSync(home, 0o700);
  // The shelter represents a system directory that every user can traverse.
  shelter = createTemporaryFolder('token-broker-shelter-');
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

test.runIf(getuid?.() === 0)('an unprivileged user runs its own database, which root can start later', async () => {
  const user = databaseUser('');
  if (user === undefined) throw new Error('root has no user to run the database');
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o777);
  const copy = copyCheckout(join(home, 'readable'), user);
  const unprivileged = await startEmbeddedBroker(dataDir, shelter, { ...user, ...copy });
  await write(unprivileged.url);
  await unprivileged.kill('SIGTERM');
  const asRoot = await start();
  expect(await read(asRoot.url)).toEqual(kept);
  expect(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).toContain(`${asRoot.databasePid}\n`);
  await asRoot.kill('SIGTERM');
});

test.runIf(getuid?.() === 0)('root can run a checkout that other users cannot traverse', async () => {
  const { script } = copyCheckout(join(home, 'hidden'));
  const first = await startEmbeddedBroker(dataDir, shelter, { script });
  await write(first.url);
  await first.kill('SIGTERM');
  const second = await startEmbeddedBroker(dataDir, shelter, { script });
  expect(await read(second.url)).toEqual(kept);
  await second.kill('SIGTERM');
});

test('a start works after kill -9 at any point of the first start', async () => {
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
