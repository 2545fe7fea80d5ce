import type { Kysely, RawBuilder } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { claimOne, dueLanes, dueOfLane } from '../../../../src/postgres/maintenance/revocation-store.ts';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import type { Tables } from '../../../../src/postgres/tables.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const seeded = 50_000;
/** Rows that a claim may read: the row itself, as it is found, locked and changed, and its connection. */
const few = 12;

let stores: TestStores;
let second: Postgres;
let pool: pg.Pool;
let db: Kysely<Tables>;
let connection: Connection;

beforeAll(async () => {
  stores = await openTestStores();
  second = createPostgres({ connectionString: stores.url, poolMax: 12, onError: () => {} });
  pool = createPool({ connectionString: stores.url, poolMax: 1, statementTimeoutMs: 120_000, onError: () => {} });
  db = createKysely(pool);
  connection = await storeConnection(stores, aConnection(null, 'busy'));
  // Very many of one organisation wait for later attempts. A few are due, in four lanes.
  await pool.query(
    `insert into pending_revocations (grant_id, organization_id, sealed_tokens, connection_id, connection_name, settings, config_version, next_try_at, created_at)
     select gen_random_uuid(), case n % 4 when 0 then null else 'org-' || n % 4 end, '\\x00', $1::uuid, 'busy', '{}', 1,
       now() + case when n <= 40 then -1 else 1 end * n * interval '1 minute', now()
     from generate_series(1, ${seeded}) as n`,
    [connection.id],
  );
  await pool.query('analyze pending_revocations, connections');
}, 120_000);
afterAll(async () => {
  await pool?.end();
  await second?.close();
  await stores?.end();
});

interface PlanNode {
  'Node Type': string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Adds up the rows that the scans of a statement read, also those it threw away. */
function rowsRead({ Plans: below = [], ...node }: PlanNode): number {
  const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
  return below.reduce((sum, each) => sum + rowsRead(each), node['Node Type'].endsWith('Scan') ? rows : 0);
}

async function rowsReadBy(statement: RawBuilder<unknown>): Promise<number> {
  const { sql, parameters } = statement.compile(db);
  const explained = await pool.query(`explain (analyze, format json) ${sql}`, [...parameters]);
  return rowsRead(explained.rows[0]['QUERY PLAN'][0].Plan);
}

const inAnHour = () => new Date(Date.now() + 3_600_000);

test('the search for lanes reads the due revocations alone, however many are pending', async () => {
  expect(await rowsReadBy(dueLanes(new Date(), 1000))).toBeLessThanOrEqual(2 * 40);
  const lanes = await stores.revocations.lanes(new Date(), 1000);
  expect(lanes.map(({ organizationId }) => organizationId ?? '').toSorted()).toEqual(['', 'org-1', 'org-2', 'org-3']);
});

test.each(['org-1', null])('the claim of one revocation of %s reads few rows', async (organizationId) => {
  const lane = { organizationId, connectionId: connection.id };
  expect(await rowsReadBy(claimOne(dueOfLane(lane, new Date()), inAnHour()))).toBeLessThan(few);
});

test('processes that claim from one lane at once get each revocation once', async () => {
  const raced = await storeConnection(stores, aConnection('acme', 'raced'));
  const grants: string[] = [];
  for (let n = 0; n < 40; n++) grants.push(await storeGrant(stores, 'acme', raced, { subject: `s-${n}` }));
  const now = new Date();
  const added = await stores.database.write('acme', ({ revocations }) =>
    revocations.add(raced, grants, { now, dueAt: now }),
  );
  const lane = { organizationId: 'acme', connectionId: raced.id };
  const claimed: string[] = [];
  async function claimAll({ revocations }: Pick<Postgres, 'revocations'>): Promise<void> {
    for (;;) {
      const each = await revocations.claimDue(lane, { now: new Date(now.getTime() + 1000), until: inAnHour() });
      if (each === undefined) return;
      claimed.push(each.id);
    }
  }
  await Promise.all([stores, second, stores, second, stores, second].map(claimAll));
  expect(claimed.toSorted()).toEqual(added.map(({ id }) => id).toSorted());
});

test('a refresh that ends during a deletion never puts tokens behind the copy that will be revoked', async () => {
  const owner = await storeConnection(stores, aConnection('acme', 'refreshed'));
  const grantId = await storeGrant(stores, 'acme', owner);
  let saved: Promise<unknown> | undefined;
  const [row] = await stores.database.write('acme', async ({ revocations, connections }) => {
    const now = new Date();
    const added = await revocations.add(owner, [grantId], { now, dueAt: now });
    // The row is locked: a write of newer tokens waits for the end of the grant, and then finds none.
    saved = pool.query("update grants set sealed_tokens = '\\x4e4557', version = version + 1 where id = $1", [grantId]);
    await expect.poll(async () => (await waiting()) > 0).toBe(true);
    await connections.delete(owner.id);
    return added;
  });
  expect(await saved).toMatchObject({ rowCount: 0 });
  expect(row?.grantId).toBe(grantId);
});

/** Counts the statements that wait for a lock. */
async function waiting(): Promise<number> {
  const client = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
  try {
    const { rows } = await client.query(
      "select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock'",
    );
    return rows[0].count;
  } finally {
    await client.end();
  }
}
