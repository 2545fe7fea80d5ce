import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../../src/crypto/tokens.ts';
import type { HealthCounts, HealthRunStore } from '../../../../src/domain/ports/maintenance/health-runs.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createHealthCounts } from '../../../../src/postgres/health/health-counts.ts';
import { createHealthRunStore } from '../../../../src/postgres/health/health-run-store.ts';
import { createHealthStore } from '../../../../src/postgres/health/health-store.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const grants = 100_000;
/** Rows of a page of 100, its connection, and a look-up for each row. */
const rowsOfPage = 1_000;
/** Lanes that one statement lists, with what it reads and writes of each. */
const rowsOfLanes = 10_000;

let stores: TestStores;
let pool: pg.Pool;
let runs: HealthRunStore;
let counts: HealthCounts;
let statements: [text: string, values: unknown[]][] = [];

beforeAll(async () => {
  stores = await openTestStores();
  await seedFleet(stores.url, { organizations: 2_000, grants });
  pool = createPool({ connectionString: stores.url, poolMax: 1, statementTimeoutMs: 120_000, onError: () => {} });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    client.query = ((...parameters: unknown[]) => {
      const [text, values] = parameters;
      if (typeof text === 'string' && /^\s*(select|with|update)/.test(text)) {
        statements.push([text, (values ?? []) as unknown[]]);
      }
      return query(...parameters);
    }) as typeof client.query;
  });
  const deps = { db: createKysely(pool) };
  runs = createHealthRunStore(deps);
  counts = createHealthCounts(deps);
  await counts.fold();
}, 240_000);
afterAll(async () => {
  await pool?.end();
  await stores?.end();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Runs `work`, and explains every statement that it sent, each in a transaction that is rolled back. */
async function rowsReadBy(work: () => Promise<unknown>): Promise<number> {
  statements = [];
  await work();
  const sent = statements;
  expect(sent.length).toBeGreaterThan(0);
  let rows = 0;
  for (const [text, values] of sent) {
    await pool.query('begin');
    const explained = await pool.query(`explain (analyze, format json) ${text}`, values);
    await pool.query('rollback');
    for (const node of nodesOf(explained.rows[0]['QUERY PLAN'][0].Plan)) {
      const isScan = node['Node Type'].endsWith('Scan') && node['Relation Name'] !== undefined;
      if (isScan) rows += (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
      const scan = `${node['Node Type']} on ${node['Relation Name']}`;
      expect(scan, text).not.toMatch(/^Seq Scan on (grants|connections|health_run_lanes|health_counts)$/);
    }
  }
  return rows;
}

test('no statement of the check of all grants reads more than its page, however many grants there are', async () => {
  await runs.request(newId());
  const claimed = await runs.claim(newId());
  if (claimed.kind !== 'claimed') throw new Error('The run is taken.');
  const { run } = claimed;
  expect(await runs.last()).toMatchObject({ total: grants });
  let isListing = true;
  let pages = 0;
  while (isListing) {
    expect(
      await rowsReadBy(async () => {
        isListing = await runs.listLanes(run);
      }),
    ).toBeLessThan(rowsOfLanes);
    pages += 1;
  }
  expect(pages).toBeGreaterThan(1);
  const { rows } = await pool.query('select count(*)::int as lanes from health_run_lanes');
  const { rows: distinct } = await pool.query(
    'select count(*)::int as lanes from (select distinct connection_id, organization_id from grants) as lane',
  );
  expect(rows).toEqual(distinct);
  await pool.query('analyze health_run_lanes');

  // The organisation that owns half of the grants, in the middle of its lane.
  const found = await runs.nextLane(run, { behind: 'bi', busy: [] });
  expect(found).toMatchObject({ organizationId: 'big' });
  for (let page = 0; page < 3; page++) {
    const read = await rowsReadBy(async () => {
      const lane = await runs.nextLane(run, { behind: 'bi', busy: ['org-5', null] });
      if (lane === undefined) throw new Error('No lane is left.');
      const turn = await runs.grantsOf(lane, 100);
      const records = (turn?.grants ?? []).map(({ id, version }) => ({
        grantId: id,
        version,
        health: 'healthy' as const,
        error: null,
      }));
      expect(records.length).toBeGreaterThan(0);
      await runs.recordTurn(run, lane, { next: turn?.next ?? null, records, skipped: 0 }, new Date());
    });
    expect(read).toBeLessThan(2 * rowsOfPage);
  }
}, 120_000);

test('the grants of one connection are read by look-ups, for every reach', async () => {
  const health = createHealthStore({ db: createKysely(pool) });
  const { rows } = await pool.query('select id from connections where organization_id is null');
  const id = String(rows[0].id);
  for (const reach of [
    { organizations: '*', global: true },
    { organizations: '*', global: false },
    { organizations: ['big', 'org-12', 'nowhere'], global: true },
  ] as const) {
    expect(await rowsReadBy(() => health.grantsOf(id, reach, 21))).toBeLessThan(300);
  }
});

test('the counts read a few rows for each owner', async () => {
  for (const reach of [
    { organizations: '*', global: true },
    { organizations: ['big'], global: false },
  ] as const) {
    await counts.fold();
    expect(await rowsReadBy(() => counts.read(reach))).toBeLessThan(100);
  }
});
