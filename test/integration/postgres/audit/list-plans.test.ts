import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import { scopeOf } from '../../../../src/domain/callers/scope.ts';
import type { AuditFilter } from '../../../../src/domain/ports/audit.ts';
import { auditQuery } from '../../../../src/postgres/audit/audit-query.ts';
import { createAuditReader } from '../../../../src/postgres/audit/audit-reader.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import type { Tables } from '../../../../src/postgres/tables.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const seeded = 300_000;
const months = 5;
/** Partitions of a year and the one for strays. */
const partitions = 14;
const limit = 50;
const rareGrant = randomUUID();
const everything: Reach = { organizations: '*', global: true };

let stores: TestStores;
let pool: pg.Pool;
let db: Kysely<Tables>;

beforeAll(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 2, statementTimeoutMs: 120_000, onError: () => {} });
  db = createKysely(pool);
  // One value in ten thousand is rare; the others are in every hundredth event or more.
  await pool.query(
    `insert into audit_events (time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details)
     select date_trunc('month', now()) + n * interval '1 month' * ${months} / ${seeded},
       case when n % 10000 = 5 then 'api_key:rare' else 'api_key:' || n % 3 end,
       case when n % 10000 = 6 then 'connection.deleted' else 'grant.refreshed' end,
       case when n % 10000 = 7 then 'rare' when n % 4 = 0 then null else 'org-' || n % 100 end,
       null,
       case when n % 10000 = 8 then 'rare' else 'crm-' || n % 50 end,
       case when n % 10000 = 9 then $1::uuid else gen_random_uuid() end,
       case when n % 10000 = 1 then 'failure' else 'success' end, '{}'
     from generate_series(1, ${seeded}) as n`,
    [rareGrant],
  );
  await pool.query('analyze audit_events');
}, 120_000);
afterAll(async () => {
  await pool.end();
  await stores.end();
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
  const own = /Scan$/.test(node['Node Type']) && !/^Subquery|^Function|^CTE/.test(node['Node Type']);
  const rows = own ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0;
  return below.reduce((sum, each) => sum + rowsRead(each), rows);
}

async function rowsReadBy(filter: Partial<AuditFilter>, at?: Date): Promise<number> {
  const reach = filter.reach ?? everything;
  const query = auditQuery({
    filter: { reach, ...filter },
    scope: scopeOf(reach, filter.organizationId),
    limit: limit + 1,
    after: at && { at, id: '1' },
  });
  if (query === null) return 0;
  const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>`explain (analyze, format json) ${query}`.execute(
    db,
  );
  return rowsRead(rows[0]?.['QUERY PLAN'][0].Plan as PlanNode);
}

const middle = new Date(Date.now() + 60 * 24 * 3_600_000);
const some: Reach = { organizations: ['org-1', 'org-2', 'rare'], global: true };
const filters: [name: string, filter: Partial<AuditFilter>][] = [
  ['none', {}],
  ['a frequent actor', { actor: 'api_key:1' }],
  ['a rare actor', { actor: 'api_key:rare' }],
  ['an unknown actor', { actor: 'api_key:none' }],
  ['a frequent action', { action: 'grant.refreshed' }],
  ['a rare action', { action: 'connection.deleted' }],
  ['an action without events', { action: 'api_key.revoked' }],
  ['a frequent organisation', { organizationId: 'org-1' }],
  ['a rare organisation', { organizationId: 'rare' }],
  ['a frequent connection', { connectionName: 'crm-7' }],
  ['a rare connection', { connectionName: 'rare' }],
  ['a grant', { grantId: rareGrant }],
  ['failures', { outcome: 'failure' }],
  ['successes', { outcome: 'success' }],
  ['a day', { from: middle, to: new Date(middle.getTime() + 24 * 3_600_000) }],
  ['a rare actor since a time', { actor: 'api_key:rare', from: middle }],
  ['the reach of several organisations', { reach: some }],
  ['the reach of every organisation', { reach: { organizations: '*', global: false } }],
  ['the reach of the global scope', { reach: { organizations: [], global: true } }],
];

describe(`on ${seeded} events of ${months} months`, () => {
  test.each(filters)('a page with filter %s reads few rows beside its own', async (_name, filter) => {
    const owners = filter.reach === some ? 4 : 1;
    // Each partition's index is asked for its first match. A value that every fourth event has may be filtered.
    const most = owners * (5 * limit + 2 * partitions);
    expect(await rowsReadBy(filter)).toBeLessThanOrEqual(most);
    expect(await rowsReadBy(filter, middle), 'in the middle of the trail').toBeLessThanOrEqual(most);
  });

  test('pages hold every event once, newest first', async () => {
    const reader = createAuditReader({ db });
    const filter = { reach: everything, actor: 'api_key:rare' };
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await reader.list(filter, { limit: 7, ...(cursor !== undefined && { cursor }) });
      ids.push(...page.events.map(({ id }) => id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(ids).toHaveLength(seeded / 10_000);
    expect(ids.map(Number)).toEqual([...new Set(ids)].map(Number).sort((a, b) => b - a));
  });

  test('an export in small pieces holds the same events as one list', async () => {
    const reader = createAuditReader({ db, pieceOf: 7 });
    for (const reach of [everything, some]) {
      const filter = { reach, outcome: 'failure' } as const;
      const exported: string[] = [];
      for await (const piece of reader.export(filter)) exported.push(...piece.map(({ id }) => id));
      const { events } = await reader.list(filter, { limit: 200 });
      expect(exported).toEqual(events.map(({ id }) => id));
    }
  });
});
