import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  importLines,
  lineOf,
  linesOf,
  openImport,
  type Result,
  residentBytes,
} from '../support/faults/import-client.ts';
import { createTcpProxy } from '../support/faults/tcp-proxy.ts';
import { addConnection, type FaultWorld, openFaultWorld, type Service } from '../support/faults/world.ts';

let world: FaultWorld;
let service: Service;
let name: string;
/** The heap of a process that held a whole import would not fit. */
const api = { env: { ROLE: 'api', NODE_OPTIONS: '--max-old-space-size=192' } };
beforeEach(async () => {
  world = await openFaultWorld();
  await world.migrate();
  service = await world.start(api);
  ({ name } = await addConnection(world, service));
});
afterEach(() => world?.close());

const patience = { timeout: 60_000, interval: 100 };

async function countOf(table: 'grants' | 'consents'): Promise<number> {
  const [row] = await world.sql<{ count: number }>(`select count(*)::int as count from ${table}`);
  return row?.count ?? 0;
}

const outcomes = async () =>
  (await world.sql<{ outcome: string }>("select outcome from audit_events where action = 'grants.imported'")).map(
    ({ outcome }) => outcome,
  );

/** Creates a key that may import. */
async function target({ api: admin, url }: Service) {
  const rights = { permissions: ['admin:write'], organizations: '*', global: true };
  const created = await admin.post('/admin/api-keys', { name: 'import', ...rights });
  expect(created.status, created.text).toBe(201);
  return { url, key: String(created.body.key) };
}

/** A line whose result is several times as long. */
const faulty = `${JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`a${n}`, n])))}\n`;

/** Sends the same lines again: each grant is there exactly once afterwards, and the earlier ones are unchanged. */
async function repeat(other: Service, count: number, stored: number): Promise<void> {
  const { last } = await importLines(await target(other), name, { count });
  expect(last).toMatchObject({ done: true, lines: count, unchanged: stored, created: count - stored, failed: 0 });
  expect([await countOf('grants'), await countOf('consents')]).toEqual([count, count]);
}

describe('a process that ends in the middle', () => {
  const count = 500;

  test('after a kill, the same lines again give each grant exactly once', async () => {
    const killed = importLines(await target(service), name, {
      count,
      onResult: (seen) => seen === 100 && service.kill(),
    });
    await expect(killed).rejects.toThrow();
    const stored = await countOf('grants');
    expect(stored).toBeGreaterThanOrEqual(100);
    expect(stored).toBeLessThan(count);
    await repeat(await world.start({ ...api, dataDir: service.dataDir }), count, stored);
  });

  test('after SIGTERM, the last line says that the process ends, and each result before it is stored', async () => {
    let stopped: Promise<number | null> | undefined;
    const onResult = (seen: number) => {
      if (seen === 100) stopped = service.stop();
    };
    const { last, seen } = await importLines(await target(service), name, { count, onResult });
    expect(last).toEqual({ error: expect.objectContaining({ code: 'service_unavailable', status: 503 }) });
    expect(await stopped).toBe(0);
    const stored = await countOf('grants');
    expect(stored).toBe(seen - 1);
    expect(stored).toBeLessThan(count);
    expect(await outcomes()).toEqual(['failure']);
    await repeat(await world.start({ ...api, dataDir: service.dataDir }), count, stored);
  });

  test('SIGTERM ends an import that waits for its client, and does not wait for a client that keeps its connection', async () => {
    const call = openImport(await target(service));
    await call.send(linesOf(name, 3));
    const results: Result[] = [];
    for await (const result of call.results()) {
      results.push(result);
      if (results.length === 3) expect(await service.stop()).toBe(0);
    }
    expect(results.map(({ action }) => action)).toEqual(['created', 'created', 'created', undefined]);
    expect(results[3]).toEqual({ error: expect.objectContaining({ code: 'service_unavailable' }) });
  });
});

test('two imports of the same lines at once store each grant once, and both end', async () => {
  const count = 500;
  const other = await world.start({ ...api, dataDir: service.dataDir });
  const ended = await Promise.all(
    [service, other].map(async (each) => importLines(await target(each), name, { count })),
  );
  const sums = { created: 0, unchanged: 0 };
  for (const { last } of ended) {
    expect(last).toMatchObject({ done: true, lines: count, failed: 0 });
    sums.created += Number(last.created);
    sums.unchanged += Number(last.unchanged);
  }
  expect(sums).toEqual({ created: count, unchanged: count });
  expect([await countOf('grants'), await countOf('consents')]).toEqual([count, count]);
});

test('a database that goes away in the middle ends the import with a last line; the same process goes on after it is back', async () => {
  const count = 500;
  const proxy = await createTcpProxy(world.databaseUrl);
  try {
    const env = { ...api.env, DATABASE_URL: proxy.url };
    const cutOff = await world.start({ env, dataDir: service.dataDir });
    const onResult = (seen: number) => seen === 100 && proxy.cut();
    const { last, seen } = await importLines(await target(cutOff), name, { count, onResult });
    expect(last).toEqual({ error: expect.objectContaining({ code: 'service_unavailable', status: 503 }) });
    const stored = await countOf('grants');
    expect(stored).toBeGreaterThanOrEqual(seen - 1);
    expect(stored).toBeLessThan(count);
    await proxy.restore();
    await cutOff.ready();
    await repeat(cutOff, count, stored);
  } finally {
    await proxy.close();
  }
});

describe('clients', () => {
  test('one that leaves in the middle ends its import, whose event says so', async () => {
    const call = openImport(await target(service));
    await call.send(linesOf(name, 300));
    for await (const _result of call.results()) break;
    call.leave();
    await expect.poll(outcomes, patience).toEqual(['failure']);
    const stored = await countOf('grants');
    await sleep(1000);
    expect(await countOf('grants')).toBe(stored);
    await repeat(service, 300, stored);
  });

  test('one that sends and never reads costs bounded memory, is disconnected, and holds up no other caller', async () => {
    const before = residentBytes(service);
    const call = openImport(await target(service));
    let sent = 0;
    const sending = (async () => {
      for (; !call.isClosed(); sent += 100) await call.send(faulty.repeat(100));
    })();
    let peak = 0;
    while (!call.isClosed()) {
      expect((await service.api.get('/admin/stats')).status).toBe(200);
      peak = Math.max(peak, residentBytes(service));
      await sleep(200);
    }
    await sending;
    process.stdout.write(`${sent} lines sent before the end, ${mebibytes(peak - before)} MiB more\n`);
    expect(peak - before).toBeLessThan(100 * 2 ** 20);
    await expect.poll(outcomes, patience).toEqual(['failure']);
  });

  test('a slow one that makes progress goes on for longer than the time of a body, one that stalls is ended', async () => {
    const stalled = openImport(await target(service));
    await stalled.send(linesOf(name, 2, 100) + lineOf(name, 102).slice(0, 20));
    const slow = openImport(await target(service));
    const sending = (async () => {
      for (let n = 0; n < 20; n++) {
        await slow.send(lineOf(name, n));
        await sleep(2000);
      }
      slow.end();
    })();
    const ends = [stalled, slow].map(async (call) => {
      let last: Result = {};
      for await (const result of call.results()) last = result;
      return last;
    });
    expect(await ends[0]).toEqual({ error: expect.objectContaining({ code: 'request_timeout', status: 408 }) });
    await expect.poll(stalled.isClosed, patience).toBe(true);
    await sending;
    expect(await ends[1]).toMatchObject({ done: true, created: 20 });
    expect(await countOf('grants')).toBe(22);
  });
});

/** FAULT_IMPORT_LINES lengthens a run. With 30,000 lines a leak of 4 KiB a line exceeds the slack. */
const lineCount = Number(process.env.FAULT_IMPORT_LINES ?? 30_000);
/** 60 MiB: tolerated growth of resident memory in the second half of the import. */
const slackBytes = 60 * 2 ** 20;

test(`${lineCount} lines are imported in the memory that half of them need`, async () => {
  const peaks = [0, 0];
  const onResult = (seen: number) => {
    const half = seen <= lineCount / 2 ? 0 : 1;
    if (seen % 100 === 0) peaks[half] = Math.max(peaks[half] ?? 0, residentBytes(service));
  };
  const { last } = await importLines(await target(service), name, { count: lineCount, onResult });
  const [early = 0, late = 0] = peaks;
  process.stdout.write(
    `${lineCount} lines: ${mebibytes(early)} MiB for the first half, ${mebibytes(late)} MiB for all\n`,
  );
  expect(last).toMatchObject({ done: true, created: lineCount });
  expect(late - early).toBeLessThan(slackBytes);
});

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
