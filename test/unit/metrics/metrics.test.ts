import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CredentialFetch } from '../../../src/domain/grants/credential-fetch.ts';
import type { MonitoredState } from '../../../src/domain/ports/monitoring/readings.ts';
import { createMetrics } from '../../../src/metrics/create-metrics.ts';
import { createDurations, observe } from '../../../src/metrics/durations.ts';
import { readExposition, seriesOf, sumOf } from '../../support/monitoring/exposition.ts';

/** Id of the template by id or alias. */
const templates = new Map([
  ['google', 'google'],
  ['slack', 'slack'],
  ['slack-old', 'slack'],
  ['generic', 'generic'],
]);

const sets = {
  version: '1.2.3',
  templateIdOf: (id: string) => templates.get(id),
  routes: ['/credentials/{name}', '/health'],
  jobKinds: ['sweep', 'batch'],
};

const state: MonitoredState = {
  circuits: () => ({ closed: 3, open: 1, half_open: 0 }),
  cache: () => ({ hits: 10, misses: 2, entries: 5 }),
  pools: () => [{ pool: 'main', max: 10, open: 4, idle: 3, waiting: 0 }],
  auditEventsWaiting: () => 3,
  isListenerUp: () => true,
  isQueueUp: () => true,
  isReady: () => true,
  ping: async () => undefined,
  workers: async () => ({ workers: 2, lastSweepAt: new Date('2030-01-01T00:00:10Z') }),
  lastSweep: async () => null,
  grants: async () => ({
    byStatus: [{ status: 'failed', reason: 'token_expired', count: 4 }],
    needingPerson: 3,
  }),
  backlog: async () => ({ due: 7, overdueSeconds: 1.5 }),
  queues: async () => [{ queue: 'batches', jobs: { ready: 1, delayed: 2, running: 3 } }],
  unsavedTokens: async () => 0,
};

async function pageOf(change: Partial<MonitoredState> = {}, act?: (metrics: ReturnType<typeof createMetrics>) => void) {
  const metrics = createMetrics(sets);
  metrics.watch({ ...state, ...change });
  act?.(metrics);
  return (await metrics.readMetrics()).text;
}

const pending = new Promise<never>(() => undefined);
const refuse = () => Promise.reject(new Error('away'));

test('a histogram of plain numbers says the same as counting each duration against each bound', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constantFrom(0.05, 1, 60))),
      async (durations) => {
        const page = await pageOf({}, ({ onProviderRequest }) => {
          for (const seconds of durations)
            onProviderRequest({ provider: 'slack', kind: 'refresh', result: 'success', seconds });
        });
        const name = 'token_broker_provider_request_duration_seconds';
        const buckets = seriesOf(page, `${name}_bucket`);
        for (const { labels, value } of buckets) {
          const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
          expect(value).toBe(durations.filter((seconds) => seconds <= bound).length);
        }
        expect(buckets.length > 0).toBe(durations.length > 0);
        expect(sumOf(page, `${name}_count`) ?? 0).toBe(durations.length);
        expect(sumOf(page, `${name}_sum`) ?? 0).toBeCloseTo(durations.reduce((sum, each) => sum + each, 0));
      },
    ),
    { numRuns: 30 },
  );
});

test('a connection that names its template by an alias counts under the id of the template', async () => {
  const page = await pageOf({}, ({ onProviderRequest }) => {
    for (const provider of ['slack', 'slack-old', 'unknown'])
      onProviderRequest({ provider, kind: 'refresh', result: 'success', seconds: 1 });
  });
  const counted = seriesOf(page, 'token_broker_provider_requests_total');
  expect(counted.map(({ labels, value }) => [labels.provider, value])).toEqual([
    ['slack', 2],
    ['generic', 1],
  ]);
});

test('a duration beyond the last bound is counted in the total alone', () => {
  const durations = createDurations([1, 2]);
  observe(durations, [1, 2], 3);
  expect(durations).toEqual({ counts: [0, 0], count: 1, sum: 3 });
});

describe('hostile values', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('acme', 'https://provider.example/token', 'x"} 1\nforged_metric 1', '__proto__', 'constructor'),
  );

  test('never become a label, and the number of series stays as it was', async () => {
    const known = await pageOf({}, (metrics) => {
      metrics.onRequest({ route: null, method: 'PROPFIND', status: 404, seconds: 0 });
      metrics.onRefresh({ provider: 'generic', result: 'refreshed', reason: null, seconds: 0 });
      metrics.onProviderRequest({ provider: 'generic', kind: 'test', result: 'success', seconds: 0 });
      metrics.onJob({ kind: 'other', result: 'failed', seconds: 0 });
      metrics.onFetch({ operation: 'fetch', refusal: 'forbidden', source: null } as CredentialFetch);
    });
    const series = (page: string) =>
      readExposition(page)
        .filter(({ name }) => name.startsWith('token_broker_'))
        .flatMap((metric) => metric.series.map(({ name, labels }) => JSON.stringify([name, labels])));
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1 }), async (values) => {
        const page = await pageOf({}, (metrics) => {
          for (const value of values) {
            metrics.onRequest({ route: value, method: value, status: 404, seconds: 0 });
            metrics.onRefresh({ provider: value, result: 'refreshed', reason: null, seconds: 0 });
            metrics.onProviderRequest({ provider: value, kind: 'test', result: 'success', seconds: 0 });
            metrics.onJob({ kind: value, result: 'failed', seconds: 0 });
            metrics.onFetch({
              operation: 'fetch',
              connectionName: value,
              subject: value,
              refusal: 'forbidden',
              source: null,
            } as CredentialFetch);
          }
        });
        expect(series(page)).toEqual(series(known));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a state that cannot be read', () => {
  test.each([
    ['workers', ['token_broker_workers', 'token_broker_last_sweep_end_timestamp_seconds']],
    ['backlog', ['token_broker_grants_due', 'token_broker_refresh_lag_seconds']],
    ['grants', ['token_broker_grants', 'token_broker_grants_needing_person']],
    ['queues', ['token_broker_jobs']],
    ['unsavedTokens', ['token_broker_unsaved_tokens']],
  ] as const)('%s: its series are left out and all others stay', async (read, absent) => {
    const whole = readExposition(await pageOf());
    const partial = readExposition(await pageOf({ [read]: refuse }));
    const names = (page: typeof whole) => page.filter(({ series }) => series.length > 0).map(({ name }) => name);
    expect(names(whole)).toEqual(expect.arrayContaining([...absent]));
    expect(names(partial)).toEqual(names(whole).filter((name) => !absent.some((one) => one === name)));
  });

  test.each([
    ['a database that refuses', refuse],
    ['a database that never replies', () => pending],
  ])('%s: the page says that it is down', async (_case, away) => {
    const page = await pageOf({ ping: away, workers: away, lastSweep: away, grants: away, backlog: away });
    expect(sumOf(page, 'token_broker_database_up')).toBe(0);
    expect(sumOf(page, 'token_broker_listener_up')).toBe(1);
    expect(sumOf(page, 'token_broker_build_info', { version: '1.2.3' })).toBe(1);
  });

  test('a read that hangs is not started again by the next scrape', async () => {
    let reads = 0;
    const metrics = createMetrics(sets);
    metrics.watch({
      ...state,
      queues: () => {
        reads += 1;
        return pending;
      },
    });
    await metrics.readMetrics();
    await metrics.readMetrics();
    expect(reads).toBe(1);
  });
});

test('the counts of grants are read once for all scrapes of a minute', async () => {
  let reads = 0;
  const metrics = createMetrics(sets);
  const backlog = async () => {
    reads += 1;
    return { due: 1, overdueSeconds: 0 };
  };
  metrics.watch({ ...state, backlog });
  for (let n = 0; n < 3; n++) await metrics.readMetrics();
  expect(reads).toBe(1);
});

test('names follow the conventions: a prefix, a unit, and _total for counters alone', async () => {
  const page = readExposition(await pageOf());
  for (const { name, type, help } of page.filter((metric) => metric.name.startsWith('token_broker_'))) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    expect(help).toMatch(/^[A-Z].*\.$/);
  }
});
