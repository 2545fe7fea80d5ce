import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '../../src/postgres/driver/migrate.ts';
import { faultsOf, runDoctor } from '../support/cli/run-doctor.ts';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { awaitFirstSweep } from '../support/http/first-sweep.ts';
import { createTestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, spawnBroker, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { openServers, type Stack } from './stack.ts';
import { testEnvironment } from './world.ts';

/** Address of loopback at which nothing listens. */
const closed = 'http://127.0.0.1:1';
const patience = { timeout: 30_000, interval: 100 };

/** Ten faults, each planted on an installation that is healthy before and after. */
describeWithRedis('doctor', () => {
  let stack: Stack;
  let broker: BrokerProcess;
  let redis: TcpProxy;
  let entrance: TcpProxy;
  let env: Record<string, string>;
  let api: Api;
  let folder: string;
  let backup: string;
  beforeAll(async () => {
    stack = await openServers();
    folder = createTemporaryFolder('token-broker-doctor-');
    backup = join(folder, 'keys.txt');
    writeFileSync(backup, stack.env.ENCRYPTION_KEYS ?? '');
    const port = await freePort();
    redis = await createTcpProxy(stack.env.REDIS_URL ?? '');
    entrance = await createTcpProxy(`http://127.0.0.1:${port}`);
    const publicUrl = new URL(entrance.url).origin;
    env = { ...testEnvironment, ...stack.env, REDIS_URL: redis.url, PUBLIC_URL: publicUrl };
    broker = await startBroker({ dataDir: stack.dataDir, env, port });
    api = createApi(broker.url, stack.adminKey());
    await awaitFirstSweep(api);
    await isOk();
  });
  afterAll(async () => {
    if (broker?.isRunning()) await broker.stop();
    await redis?.close();
    await entrance?.close();
    await stack?.remove();
    if (folder) rmSync(folder, { recursive: true });
  });

  // Also used in a hook, where expect.poll is not allowed.
  const isOk = () => vi.waitUntil(async () => (await api.get('/health')).body.status === 'ok', patience);

  function diagnose(changes: Record<string, string> = {}, args: string[] = []) {
    return runDoctor({
      env: { ...env, DATA_DIR: stack.dataDir, PORT: String(broker.port), ...changes },
      args: ['--keys-backup', backup, ...args],
      directory: folder,
    });
  }

  /** Runs the command and returns the one check that blames something. */
  async function onlyFault(changes?: Record<string, string>, args?: string[]) {
    const report = await diagnose(changes, args);
    const [fault, ...others] = faultsOf(report);
    expect(others).toEqual([]);
    expect(fault?.next).toEqual(expect.any(String));
    return { ...fault, exitCode: report.exitCode };
  }

  test('a healthy installation has no fault, and nothing is skipped', async () => {
    const report = await diagnose();
    expect(report.checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(report).toMatchObject({ exitCode: 0, failed: 0, warnings: 0 });
    expect(report.checks).toHaveLength(15);
    for (const secret of [stack.adminKey(), stack.env.ENCRYPTION_KEYS?.slice(3) ?? '']) {
      expect(JSON.stringify(report)).not.toContain(secret);
    }
  });

  test('a copy of the keys that lacks one is named', async () => {
    writeFileSync(backup, `k0:${randomBytes(32).toString('base64')}`);
    expect(await onlyFault()).toMatchObject({ name: 'keys backup', state: 'failed', exitCode: 1 });
    writeFileSync(backup, stack.env.ENCRYPTION_KEYS ?? '');
  });

  test('a refused API key has an exit code of its own', async () => {
    const report = await diagnose({ ADMIN_API_KEY: randomBytes(32).toString('base64url') });
    expect(report.exitCode).toBe(4);
    expect(faultsOf(report)).toMatchObject([{ name: 'api key', state: 'failed' }]);
  });

  test('1: a wrong encryption key', async () => {
    const dataDir = createDataDir();
    const wrong = { ...env, ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` };
    const other = spawnBroker({ dataDir: dataDir.path, env: wrong, port: await freePort() });
    expect((await other.ended)[0]).toBe(1);
    const report = await diagnose({ ...wrong, DATA_DIR: dataDir.path, PORT: String(other.port) }, []);
    const keys = report.checks.find(({ name }) => name === 'encryption keys');
    expect(keys).toMatchObject({ state: 'failed', found: expect.stringContaining('Give the original key "k1"') });
    expect(keys?.next).toContain('ENCRYPTION_KEYS');
    expect(report.exitCode).toBe(75);
    await dataDir.remove();
  });

  test('a start that refuses its configuration is named with the variable', async () => {
    const dataDir = createDataDir();
    chmodSync(dataDir.path, 0o700);
    const wrong = { ...env, REFRESH_INTERVAL_MINUTES: 'often' };
    const other = spawnBroker({ dataDir: dataDir.path, env: wrong, port: await freePort() });
    expect((await other.ended)[0]).toBe(1);
    const report = await diagnose({ ...wrong, DATA_DIR: dataDir.path, PORT: String(other.port) });
    const found = expect.stringContaining('REFRESH_INTERVAL_MINUTES: must be a whole number');
    expect(faultsOf(report)).toMatchObject([{ name: 'service', state: 'failed', found }]);
    await dataDir.remove();
  });

  test('2: a clock that is off', async () => {
    const clock = resolve(import.meta.dirname, '../support/faults/clock.ts');
    const fault = await onlyFault({ NODE_OPTIONS: `--import ${clock}`, FAULT_CLOCK_OFFSET_MS: '600000' });
    expect(fault).toMatchObject({ name: 'clock', state: 'failed', exitCode: 1 });
    expect(fault.found).toMatch(/The clock of this machine is (599|600|601) s ahead of/);
    expect(fault.next).toContain('NTP');
  });

  test('3: a missing migration, and 5: no worker', async () => {
    const database = await createTestDatabase();
    const dataDir = createDataDir();
    const { PUBLIC_URL: _, ...others } = env;
    const served = { ...others, DATABASE_URL: database.url, ROLE: 'api' };
    const waiting = spawnBroker({ dataDir: dataDir.path, env: served, port: await freePort() });
    try {
      const readiness = async () => (await fetch(`${waiting.url}/readyz`)).json();
      const waits = { database: true, migrated: false, reason: expect.stringContaining('run the command migrate') };
      await expect.poll(() => readiness().catch(() => null), patience).toMatchObject(waits);
      const here = { DATABASE_URL: database.url, DATA_DIR: dataDir.path, PORT: String(waiting.port) };
      const missing = await onlyFault(here);
      expect(missing).toMatchObject({ name: 'migration', state: 'failed', exitCode: 1 });
      expect(missing.next).toContain('Run the command migrate');

      await migrate(database.url);
      await waiting.ready();
      const noWorker = await onlyFault(here);
      expect(noWorker).toMatchObject({ name: 'workers', state: 'failed', exitCode: 1 });
      expect(noWorker.next).toContain('ROLE=worker');
    } finally {
      await waiting.kill();
      await database.drop();
      await dataDir.remove();
    }
  });

  test('4: Redis away', async () => {
    await redis.cut();
    await expect.poll(async () => (await api.get('/health')).body.queue, patience).toBe('unavailable');
    const fault = await onlyFault();
    expect(fault).toMatchObject({ name: 'queue', state: 'failed', exitCode: 1 });
    expect(fault.next).toContain('REDIS_URL');
    await redis.restore();
    await isOk();
  });

  test('6: a spool that is not empty', async () => {
    const ended = join(stack.dataDir, 'instances', 'ended');
    mkdirSync(ended, { mode: 0o700 });
    // No round of recovery can store or remove an unreadable file.
    writeFileSync(join(ended, 'one.tokens'), 'unreadable', { mode: 0o600 });
    const fault = await onlyFault();
    expect(fault).toMatchObject({ name: 'spool', state: 'failed', exitCode: 1 });
    expect(fault.next).toContain('Keep DATA_DIR');
    rmSync(ended, { recursive: true });
  });

  test('7: a public URL that leads nowhere', async () => {
    await entrance.cut();
    const fault = await onlyFault();
    expect(fault).toMatchObject({ name: 'public URL', state: 'failed', exitCode: 1 });
    expect(fault.found).toContain('refused');
    expect(fault.next).toContain('PUBLIC_URL');
    await entrance.restore();
  });

  test('8: a data directory that cannot be used', async () => {
    const file = join(folder, 'data');
    writeFileSync(file, '');
    const report = await diagnose({ DATA_DIR: file, PORT: String(await freePort()) });
    expect(faultsOf(report).map(({ name }) => name)).toEqual(['service', 'data directory']);
    expect(report.checks.find(({ name }) => name === 'data directory')?.next).toContain('Name a folder in DATA_DIR');
    expect(report.exitCode).toBe(75);
  });

  test('9: a proxy that is set and unused', async () => {
    const fault = await onlyFault({ HTTPS_PROXY: 'http://user:swordfish@127.0.0.1:3128' });
    expect(fault).toMatchObject({ name: 'proxy', state: 'warning', exitCode: 0 });
    expect(fault.next).toContain('Set PROVIDER_PROXY_URL');
    expect(JSON.stringify(fault)).not.toContain('swordfish');
  });

  test('10: a provider that cannot be reached', async () => {
    const created = await api.post('/connections', {
      connection_name: 'unreachable',
      client_id: 'client',
      client_secret: 'secret',
      authorization_url: `${closed}/authorize`,
      token_url: `${closed}/token`,
    });
    expect(created.status, created.text).toBe(201);
    const fault = await onlyFault();
    expect(fault).toMatchObject({ name: 'providers', state: 'failed', exitCode: 1 });
    expect(fault.found).toContain('127.0.0.1:1 of the connection unreachable: the connection is refused');
    expect(fault.next).toContain('firewall');
    await api.delete('/connections/unreachable');
  });
});
