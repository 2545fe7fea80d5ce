import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReadHealth, type HealthProbes } from '../../../../src/broker/administration/read-health.ts';
import { createExamine, type ExamineDeps } from '../../../../src/console/operations/examine.ts';
import { checks } from '../../../../src/doctor/checks.ts';
import type { Caller } from '../../../../src/domain/callers/caller.ts';
import { stubKeys } from '../../../support/http/key-stubs.ts';
import { admin, connectionView, now } from '../../../support/http/server-fixture.ts';

/** Answers as the service does at its public URL. */
let server: Server;
let baseUrl: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/health') {
      response.end(JSON.stringify({ service: 'token-broker', last_sweep_at: now.toISOString() }));
      return;
    }
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

const probes: HealthProbes = {
  background: async () => ({ workers: 1, lastSweepAt: now, isSweepOverdue: false }),
  unsavedTokens: async () => 0,
  queue: async () => null,
  readiness: async () => ({ database: true, migrated: true, keyProven: true, reason: null }),
  refreshMode: 'on',
};

type Stats = Awaited<ReturnType<ExamineDeps['readFleetStats']>>;

interface Changes {
  probes?: Partial<HealthProbes>;
  deps?: Partial<ExamineDeps>;
  caller?: Partial<Caller>;
}

async function examine(changes: Changes = {}) {
  const calls: string[] = [];
  const recorded = <A extends unknown[], R>(name: string, run: (...args: A) => R) => {
    return (...args: A): R => {
      calls.push(name);
      return run(...args);
    };
  };
  const run = createExamine({
    version: '1.2.3',
    baseUrl: () => baseUrl,
    clock: () => now,
    machineClock: () => now,
    readHealth: createReadHealth({ ...probes, ...changes.probes }),
    readFleetStats: recorded('stats', async () => ({ failing: { count: 0, isComplete: true } }) as unknown as Stats),
    readEncryption: recorded('encryption', stubKeys().readEncryption),
    listFleetConnections: recorded('connections', async () => ({ connections: [connectionView()], nextCursor: null })),
    ...changes.deps,
  });
  const results = await run({ ...admin, ...changes.caller });
  return { calls, results, of: (wanted: string) => results.find(({ name }) => name === wanted) };
}

const machineChecks = ['data directory', 'proxy'];

test('all checks of the command run; those of the machine are skipped, and name the command', async () => {
  const { results, calls } = await examine();
  expect(results.map(({ name }) => name)).toEqual(checks.map(({ name }) => name));
  const skipped = results.filter(({ state }) => state === 'skipped');
  expect(skipped.map(({ name }) => name)).toEqual(machineChecks);
  for (const { next } of skipped) expect(next).toContain('token-broker doctor');
  expect(results.filter(({ state }) => state === 'failed' || state === 'warning')).toEqual([]);
  expect(calls.toSorted()).toEqual(['connections', 'encryption', 'stats']);
});

test('a caller without admin:read learns of the service alone: nothing is read for it, and nothing fails', async () => {
  const { results, calls, of } = await examine({ caller: { permissions: ['connections:read'] } });
  expect(calls).toEqual([]);
  expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(of('api key')).toEqual({
    name: 'api key',
    state: 'skipped',
    found: 'This needs the permission admin:read.',
    next: 'Sign in with admin:read, all organisations and the global scope.',
  });
  expect(of('providers')).toMatchObject({ state: 'skipped' });
  expect(of('workers')).toMatchObject({ state: 'ok' });
});

test('a caller of one organisation is shown no key and no process, and reads its own connections', async () => {
  const seen: Caller[] = [];
  const listFleetConnections: ExamineDeps['listFleetConnections'] = async (caller) => {
    seen.push(caller);
    const view = connectionView();
    const connection = { ...view.connection, name: 'crm' };
    const lastError = {
      class: 'transient' as const,
      error: null,
      errorDescription: 'No answer.',
      httpStatus: null,
      at: now,
      attempts: 1,
    };
    return { connections: [{ ...view, connection, lastError }], nextCursor: null };
  };
  const caller = { organizations: ['one'], global: false };
  const { calls, of } = await examine({ caller, deps: { listFleetConnections } });
  expect(calls).toEqual(['stats']);
  expect(of('encryption keys')).toMatchObject({
    state: 'skipped',
    found: expect.stringContaining('all organisations and the global scope'),
  });
  expect(seen).toEqual([{ ...admin, ...caller }]);
  expect(of('providers')).toMatchObject({ state: 'failed', found: expect.stringContaining('crm failed: No answer.') });
});

test('the words are those of the command: a database that is away explains the rest', async () => {
  const away = async () => Promise.reject(new Error('away'));
  const readiness = async () => ({ database: false, migrated: false, keyProven: true, reason: 'DATABASE_URL: …' });
  const { of } = await examine({ probes: { background: away, readiness } });
  expect(of('database')).toMatchObject({ state: 'failed', found: 'DATABASE_URL: …' });
  for (const name of ['migration', 'encryption keys', 'workers']) expect(of(name)).toMatchObject({ state: 'skipped' });
});

test('the clock of this process is compared with that of the database', async () => {
  const { of } = await examine({ deps: { machineClock: () => new Date(now.getTime() + 60_000) } });
  expect(of('clock')).toMatchObject({
    state: 'failed',
    found: 'The clock of the service is 60 s ahead of that of the database.',
  });
});

test('an unexpected error is shown in no check: its message may tell internal addresses', async () => {
  const readEncryption = async () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.5:5432'));
  await expect(examine({ deps: { readEncryption } })).rejects.toThrow('ECONNREFUSED');
});
