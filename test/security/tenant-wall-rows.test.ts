import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/app/log/log.ts';
import { migrateDatabase } from '../../src/app/migration/migrate-database.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createKysely } from '../../src/postgres/database.ts';
import { createPool } from '../../src/postgres/driver/pool.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { tablePrivileges } from '../../src/postgres/roles/table-privileges.ts';
import { storeRowsOf } from '../support/postgres/rows-of.ts';
import { createTwoRoles, type TwoRoles } from '../support/postgres/service-role.ts';

const hidden = [
  ['authorizations', 'organization_id'],
  ['deleted_authorizations', 'connection_owner'],
  ['workflow_dependencies', 'organization_id'],
  ['workflow_states', 'organization_id'],
  ['consents', 'organization_id'],
  ['pending_revocations', 'organization_id'],
  ['audit_events', 'organization_id'],
] as const;
let roles: TwoRoles;
let pool: pg.Pool;

beforeAll(async () => {
  roles = await createTwoRoles();
  const urls = { databaseMigrateUrl: new Secret(roles.ownerUrl), databaseListenUrl: null };
  await migrateDatabase(
    { ...urls, redisUrl: new Secret('redis://unused') },
    new Secret(roles.serviceUrl),
    createLog('silent'),
  );
  const postgres = createPostgres({ connectionString: roles.serviceUrl, poolMax: 5, onError: () => {} });
  for (const owner of ['acme', 'b', null]) await storeRowsOf(postgres, owner);
  await postgres.close();
  pool = createPool({ connectionString: roles.serviceUrl, poolMax: 1, onError: () => {} });
});
afterAll(async () => {
  await pool?.end();
  await roles?.drop();
});

/** Runs a statement in a transaction as `Database.write` begins it. Null is work across organisations. */
function run(organizationId: string | null, statement: string): Promise<Record<string, unknown>[]> {
  return createKysely(pool, organizationId)
    .transaction()
    .execute(async (transaction) => {
      const { rows } = await sql<Record<string, unknown>>`${sql.raw(statement)}`.execute(transaction);
      return rows;
    });
}

test('every table with an organisation has the policies', async () => {
  const rows = await roles.sql('select relname::text as name from pg_class where relrowsecurity');
  const names = (found: Record<string, unknown>[]) => found.map(({ name }) => name).toSorted();
  expect(names(rows)).toEqual(['connections', 'grants', ...hidden.map(([table]) => table)].toSorted());
  const named = await roles.sql(`
    select distinct relname::text as name from pg_attribute join pg_class c on c.oid = attrelid
    where attname in ('organization_id', 'connection_owner') and relkind in ('r', 'p') and not relispartition`);
  // Only workers read the rows of a running sweep.
  expect(names(named)).toEqual([...names(rows), 'sweep_grants'].toSorted());
});

test.each(hidden)('gets no row of another organisation from %s', async (table, owner) => {
  const foreign = `select from ${table} where ${owner} = 'acme'`;
  expect(await run(null, foreign)).not.toEqual([]);
  expect(await run('acme', foreign)).not.toEqual([]);
  expect(await run('b', foreign)).toEqual([]);
  // The setting ends with its transaction, on the same connection.
  expect(await run(null, foreign)).not.toEqual([]);
});

/** The policy refuses the new row. */
const refused = { cause: { code: '42501' } };
const changed = ['connections', 'authorizations', 'workflow_states', 'consents', 'pending_revocations'];

test.each(changed)('changes and deletes no row of another organisation in %s, and no global one', async (table) => {
  const all = () => roles.sql(`select * from ${table} order by 1`);
  const before = await all();
  const update = `update ${table} set organization_id = organization_id`;
  // Global rows are seen, so an update that forgets its condition fails as a whole.
  await expect(run('b', update)).rejects.toMatchObject(refused);
  const own = await run('b', `${update} where organization_id is not null returning organization_id`);
  expect(new Set(own.map((row) => row.organization_id))).toEqual(new Set(['b']));
  await expect(run('acme', `update ${table} set organization_id = 'b'`)).rejects.toMatchObject(refused);
  if (tablePrivileges[table as keyof typeof tablePrivileges].includes('delete')) {
    expect(await run('b', `delete from ${table} where organization_id is distinct from 'b' returning 1`)).toEqual([]);
  }
  expect(await all()).toEqual(before);
});

test('a write that forgets its condition changes no grant of another organisation, and no global one', async () => {
  const others = () => roles.sql("select * from grants where organization_id is distinct from 'b' order by id");
  const before = await others();
  expect(before.length).toBeGreaterThan(1);
  const owners = (rows: Record<string, unknown>[]) => new Set(rows.map((row) => row.organization_id));
  const revoke = "update grants set status_message = 'revoked by b' returning organization_id";
  expect(owners(await run('b', revoke))).toEqual(new Set(['b']));
  expect(owners(await run('b', 'select organization_id from grants for update'))).toEqual(new Set(['b']));
  expect(await run('b', "delete from grants where organization_id is distinct from 'b' returning 1")).toEqual([]);
  expect(await others()).toEqual(before);
});

test('a grant enters and leaves no other organisation', async () => {
  const insert = (owner: string) => `
    insert into grants (id, connection_id, organization_id, subject, status, created_at, updated_at)
    select gen_random_uuid(), id, ${owner}, 'new', 'not_connected', now(), now() from connections limit 1`;
  await expect(run('b', insert("'acme'"))).rejects.toMatchObject(refused);
  await expect(run('b', insert('null'))).rejects.toMatchObject(refused);
  await expect(run('acme', "update grants set organization_id = 'b'")).rejects.toMatchObject(refused);
  await expect(run('b', insert("'b'"))).resolves.toEqual([]);
});

test('work across organisations changes the grants of all', async () => {
  const written = await run(null, 'update grants set health_error = null returning organization_id');
  expect(new Set(written.map((row) => row.organization_id))).toEqual(new Set(['acme', 'b', null]));
});

test('locks no connection of another organisation', async () => {
  const foreign = "select from connections where organization_id = 'acme'";
  expect(await run('acme', `${foreign} for update`)).not.toEqual([]);
  expect(await run('b', `${foreign} for update`)).toEqual([]);
  expect(await run('b', `${foreign} for share`)).toEqual([]);
});

test('writes no row of another organisation', async () => {
  const event = `insert into audit_events (time, actor, action, organization_id, outcome, details)
    values (now(), 'a', 'grant.deleted', 'acme', 'success', '{}')`;
  await expect(run('b', event)).rejects.toMatchObject(refused);
  await expect(run('acme', event)).resolves.toEqual([]);
});

test('sees and locks global connections, which organisations use, and cannot change them', async () => {
  const global = 'connections where organization_id is null';
  expect(await run('b', `select from ${global} for share`)).not.toEqual([]);
  const edit = "update connections set description = 'x' where organization_id is null";
  await expect(run('b', edit)).rejects.toMatchObject(refused);
  expect(await run('b', `delete from ${global} returning 1`)).toEqual([]);
});

test('names its organisation in the message that begins the transaction', async () => {
  const sent: string[] = [];
  const client = await pool.connect();
  const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
  client.query = ((...parameters: unknown[]) => {
    sent.push(String(parameters[0]));
    return query(...parameters);
  }) as typeof client.query;
  client.release();
  await run('acme', 'select 1');
  client.query = query as typeof client.query;
  expect(sent).toEqual([
    expect.stringMatching(/^begin .*; set local token_broker\.organization = 'acme'$/),
    'select 1',
    'commit',
  ]);
});

test('cannot be let through by the name of an organisation', async () => {
  const name = `b'; reset token_broker.organization; --\\`;
  expect(await run(name, "select current_setting('token_broker.organization') as name")).toEqual([{ name }]);
  expect(await run(name, "select from consents where organization_id = 'acme'")).toEqual([]);
});
