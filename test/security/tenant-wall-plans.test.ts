import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/app/log/log.ts';
import { migrateDatabase } from '../../src/app/migration/migrate-database.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { runEveryOperation } from '../integration/postgres/every-operation.ts';
import { seedFleet } from '../support/postgres/seed-fleet.ts';
import { createTwoRoles, type TwoRoles } from '../support/postgres/service-role.ts';

type Statement = readonly [text: string, values: unknown[]];

let roles: TwoRoles;
/** Reads and writes past the policies. */
let owner: pg.Client;
let service: pg.Client;

beforeAll(async () => {
  roles = await createTwoRoles();
  const urls = { databaseMigrateUrl: new Secret(roles.ownerUrl), databaseListenUrl: null };
  await migrateDatabase(
    { ...urls, redisUrl: new Secret('redis://unused') },
    new Secret(roles.serviceUrl),
    createLog('silent'),
  );
  await seedFleet(roles.ownerUrl, { organizations: 100, grants: 10_000 });
  // New statistics between two plans of a statement could change the second one.
  for (const table of ['grants', 'connections', 'fleet_grants']) {
    await roles.sql(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  owner = new pg.Client({ connectionString: roles.ownerUrl });
  service = new pg.Client({ connectionString: roles.serviceUrl });
  await Promise.all([owner.connect(), service.connect()]);
});
afterAll(async () => {
  await owner?.end();
  await service?.end();
  await roles?.drop();
});

/** Runs `work`, and returns the last call of each statement that it sent and that names grants. */
async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const sent = new Map<string, unknown[]>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...call: unknown[]) {
    const [text, values] = call;
    const { text: ofPrepared, values: given } = Object(text) as { text?: string; values?: unknown[] };
    const statement = typeof text === 'string' ? text : ofPrepared;
    if (/^\s*(select|with|insert|update|delete)\b.*\bgrants\b/s.test(statement ?? '')) {
      sent.set(statement ?? '', given ?? (Array.isArray(values) ? values : []));
    }
    return Reflect.apply(query, this, call);
  } as typeof query;
  await work().finally(() => {
    pg.Client.prototype.query = query;
  });
  return [...sent];
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

/** Scans of grants and sorts of a plan, in its order. */
function nodesOf(node: PlanNode): string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index = '', 'Index Cond': condition = '' } = node;
  const isNamed = table === 'grants' || type.endsWith('Sort') || index.startsWith('grants_');
  // The planner writes the collation of a constant in some plans only.
  const named = isNamed ? [[type, index, condition.replaceAll(' COLLATE "C"', '')].join(' ')] : [];
  return [...named, ...(node.Plans ?? []).flatMap(nodesOf)];
}

async function explain(client: pg.Client, [text, values]: Statement): Promise<string[]> {
  const { rows } = await client.query(`explain (format json) ${text}`, values);
  return nodesOf(rows[0]['QUERY PLAN'][0].Plan);
}

test('the policies of grants change the plan of no statement, in work of an organisation or across them', async () => {
  const postgres = createPostgres({ connectionString: roles.serviceUrl, poolMax: 5, onError: () => {} });
  const [{ id } = {}] = await roles.sql("select id from connections where organization_id = 'big' limit 1");
  const { list } = postgres.database.read('big').grants;
  const statements = await statementsOf(async () => {
    await runEveryOperation(postgres);
    const { nextCursor } = await list(String(id), { limit: 50 });
    await list(String(id), { limit: 50, ...(nextCursor !== null && { cursor: nextCursor }) });
  }).finally(() => postgres.close());
  expect(statements.length).toBeGreaterThan(50);

  const plans = async (client: pg.Client) => {
    const found = new Map<string, string[]>();
    for (const statement of statements) found.set(statement[0], await explain(client, statement));
    return found;
  };
  const unlimited = await plans(owner);
  expect(await plans(service)).toEqual(unlimited);
  await service.query("begin; set local token_broker.organization = 'big'");
  expect(await plans(service)).toEqual(unlimited);
  await service.query('commit');
});
