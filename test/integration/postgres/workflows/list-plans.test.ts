import type { Kysely } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { WorkflowReader } from '../../../../src/domain/ports/workflows.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import type { Tables } from '../../../../src/postgres/tables.ts';
import { createWorkflowReader } from '../../../../src/postgres/workflows/workflow-reader.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const seeded = 100_000;
/** Rows that a page of ten may read: its own rows, one more, and the connection of each. */
const few = 25;

let stores: TestStores;
let pool: pg.Pool;
let db: Kysely<Tables>;
let connectionId: string;
let statements: [text: string, values: unknown[]][] = [];

beforeAll(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 1, statementTimeoutMs: 120_000, onError: () => {} });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const record = (...parameters: unknown[]) => {
      const [text, values] = parameters;
      if (typeof text === 'string' && text.startsWith('select')) statements.push([text, values as unknown[]]);
      return query(...parameters);
    };
    client.query = record as typeof client.query;
  });
  db = createKysely(pool);
  // One connection with very many workflows, one workflow with many connections, and states of which few are disabled.
  connectionId = (await storeConnection(stores, aConnection(null, 'busy'))).id;
  await pool.query(
    `insert into connections (id, name, provider, flow, client_id, scopes, config_version, revision, created_by, created_at, updated_at, variables, authorize_params, token_params, multi_account, share_with_organizations, allow_import, terminal_errors)
     select gen_random_uuid(), 'c-' || n, provider, flow, client_id, scopes, 1, 1, 'x', now(), now(), '{}', '{}', '{}', false, true, false, '{}'
     from connections, generate_series(1, 2000) as n`,
  );
  await pool.query(
    `insert into workflow_dependencies (connection_id, organization_id, workflow_id, registered_at, last_accessed_at)
     select $1::uuid, case when n % 2 = 0 then 'acme' end, 'w-' || n, now(), now() from generate_series(1, ${seeded}) as n
     union all select id, owner, 'wide', now(), now() from connections, (values ('acme'), (null)) as owners (owner)`,
    [connectionId],
  );
  await pool.query(
    `insert into workflow_states (organization_id, workflow_id, is_disabled, reason, disabled_at, disabled_by)
     select owner, 'w-' || n, n % 5000 = 0, 'x', now(), 'x'
     from generate_series(1, ${seeded}) as n, (values ('acme'), (null)) as owners (owner)`,
  );
  await pool.query('analyze connections, workflow_dependencies, workflow_states');
}, 120_000);
afterAll(async () => {
  await pool?.end();
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

async function rowsReadBy(
  work: (workflows: WorkflowReader) => Promise<unknown>,
  organizationId: OrganizationId = 'acme',
): Promise<number> {
  statements = [];
  await work(createWorkflowReader(db, organizationId));
  let rows = 0;
  for (const [text, values] of [...statements]) {
    const explained = await pool.query(`explain (analyze, format json) ${text}`, values);
    rows += rowsRead(explained.rows[0]['QUERY PLAN'][0].Plan);
  }
  expect(statements.length).toBeGreaterThan(0);
  return rows;
}

type List = (
  workflows: WorkflowReader,
  page: { limit: number; cursor?: string },
) => ReturnType<WorkflowReader['listDisabled' | 'listDependencies']>;

test.each<[string, List, OrganizationId]>([
  ['a workflow’s connections', (workflows, page) => workflows.listDependencies('wide', page), 'acme'],
  ['a connection’s workflows', (workflows, page) => workflows.listOwnDependents(connectionId, page), 'acme'],
  ['the global scope’s workflows', (workflows, page) => workflows.listOwnDependents(connectionId, page), null],
  ['a global workflow’s connections', (workflows, page) => workflows.listDependencies('wide', page), null],
  ['disabled workflows', (workflows, page) => workflows.listDisabled(page), 'acme'],
  ['disabled workflows of the global scope', (workflows, page) => workflows.listDisabled(page), null],
])('the first page and a later page of %s read few rows', async (_name, list, owner) => {
  expect(await rowsReadBy((workflows) => list(workflows, { limit: 10 }), owner)).toBeLessThan(few);
  const { nextCursor } = await list(createWorkflowReader(db, owner), { limit: 10 });
  expect(nextCursor).not.toBeNull();
  const later = { limit: 10, cursor: nextCursor ?? '' };
  expect(await rowsReadBy((workflows) => list(workflows, later), owner)).toBeLessThan(few);
});

test('the check of one workflow reads one row', async () => {
  expect(await rowsReadBy((workflows) => workflows.find('w-5000'))).toBe(1);
});
