import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { createLimitedRole } from '../../../support/postgres/limited-role.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: Client;
let connections: Connection[];
const everything = { organizations: '*', global: true } as const;
const periods = { dueMs: 0, expiryWarningMs: 0 };

beforeAll(async () => {
  stores = await openTestStores();
  client = new Client({ connectionString: stores.url });
  await client.connect();
  connections = [
    await storeConnection(stores, aConnection('acme', 'own')),
    await storeConnection(stores, aConnection(null, 'global')),
    await storeConnection(stores, aConnection('other', 'machine', { flow: 'client_credentials' })),
  ];
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});
beforeEach(() => client.query('delete from grants'));

const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Counts the grants themselves, which the service never does. */
const counted = `
  select g.id, coalesce(g.organization_id, '') as owner, c.name as connection_name, c.provider, c.flow, g.status,
    coalesce(g.status_reason, '') as reason, g.status <> 'completed' and g.retry_at is not null as retried,
    fleet_next_action(g.status, coalesce(g.status_reason, ''), c.flow, g.status <> 'completed' and g.retry_at is not null) as next_action
  from grants g join connections c on c.id = g.connection_id`;

const sorted = (rows: readonly object[]) =>
  rows.map((row) => JSON.stringify(row, ['provider', 'status', 'nextAction', 'reason', 'grants'])).sort();

async function expectCountsToBeTrue(): Promise<void> {
  const rows = await client.query(
    `select grant_id as id, owner, connection_name, provider, flow, status, reason, retried, next_action from fleet_grants order by 1`,
  );
  expect(rows.rows).toEqual((await client.query(`${counted} order by 1`)).rows);
  for (const [reach, condition] of [
    [everything, 'true'],
    [{ organizations: '*', global: false }, "owner <> ''"],
    [{ organizations: ['acme'], global: true }, "owner in ('acme', '')"],
    [{ organizations: ['other'], global: false }, "owner = 'other'"],
  ] as const) {
    const { counts } = await stores.fleet.readStats(reach, periods);
    const expected = await client.query(
      `select provider, status, next_action as "nextAction", nullif(reason, '') as reason, count(*)::int as grants
       from (${counted}) as g where ${condition} group by 1, 2, 3, reason`,
    );
    expect(sorted(counts)).toEqual(sorted(expected.rows));
  }
}

const status = fc.constantFrom(
  ["'completed'", 'null', 'null'],
  ["'completed'", 'null', 'now()'],
  ["'failed'", "'revoked'", 'null'],
  ["'failed'", "'provider_rejected'", 'null'],
  ["'failed'", "'provider_rejected'", 'now()'],
  ["'failed'", "'client_rejected'", 'now()'],
  ["'not_connected'", "'configuration_changed'", 'null'],
);
const span = fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: 1, max: 8 }));
const change = fc.oneof(
  fc.record({ kind: fc.constant('insert'), span, status, at: fc.constantFrom(0, 1, 2) }),
  fc.record({ kind: fc.constant('update'), span, status, at: fc.constant(0) }),
  fc.record({ kind: fc.constant('delete'), span, status, at: fc.constant(0) }),
  fc.record({ kind: fc.constantFrom('edit', 'fold', 'undo'), span, status, at: fc.constantFrom(0, 1, 2) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

async function apply({ kind, span: [from, length], status: [state, reason, retryAt], at }: Change): Promise<void> {
  const ids = Array.from({ length }, (_, n) => idOf(from + n));
  const connection = connections[at];
  const insert = `
    insert into grants (id, connection_id, organization_id, subject, status, status_reason, sealed_tokens, retry_at, created_at, updated_at)
    select id, '${connection?.id}', ${["'acme'", 'null', "'other'"][at]}, id::text, ${state}, ${reason}, '\\xab', ${retryAt}, now(), now()
    from unnest($1::uuid[]) as id on conflict do nothing`;
  if (kind === 'insert') await client.query(insert, [ids]);
  if (kind === 'update') {
    await client.query(
      `update grants set status = ${state}, status_reason = ${reason}, retry_at = ${retryAt} where id = any($1)`,
      [ids],
    );
  }
  if (kind === 'delete') await client.query('delete from grants where id = any($1)', [ids]);
  if (kind === 'edit') {
    await client.query("update connections set provider = 'p' || $1, flow = $2 where id = $3", [
      length % 3,
      length % 2 === 0 ? 'authorization_code' : 'refresh_token',
      connection?.id,
    ]);
  }
  if (kind === 'fold') await stores.fleet.fold();
  if (kind === 'undo') {
    await client.query('begin');
    await client.query(insert, [ids]);
    await client.query('rollback');
  }
}

test('after any changes, in any order with folds, the counts are those of the grants', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
      for (const each of changes) await apply(each);
      await expectCountsToBeTrue();
    }),
    { numRuns: 40 },
  );
});

test('changes and folds of several processes at once lose and double nothing, and end without a deadlock', async () => {
  await using stack = new AsyncDisposableStack();
  const others = [0, 1, 2, 3].map(() => new Client({ connectionString: stores.url }));
  for (const other of others) {
    await other.connect();
    stack.defer(() => other.end());
  }
  const ids = Array.from({ length: 40 }, (_, n) => idOf(n));
  await apply({ kind: 'insert', span: [0, 40], status: ["'completed'", 'null', 'null'], at: 0 });
  const states = ["'failed'", "'completed'", "'not_connected'"];
  const work = others.map(async (other, process) => {
    for (let round = 0; round < 30; round++) {
      // Every process changes rows of its own, all of them in the same counts.
      const own = ids.filter((_, n) => n % others.length === process);
      await other.query(`update grants set status = ${states[round % 3]} where id = any($1)`, [own]);
      if (round % 5 === process) await stores.fleet.fold();
    }
  });
  const folds = Promise.all(Array.from({ length: 10 }, () => stores.fleet.fold()));
  await Promise.all([...work, folds]);
  await expectCountsToBeTrue();
  await stores.fleet.fold();
  expect((await client.query('select from fleet_count_changes')).rowCount).toBe(0);
  await expectCountsToBeTrue();
});

describe('what a refresh costs', () => {
  test('a refresh that succeeds, and one that fails while its token lives, writes neither rows nor changes', async () => {
    await apply({ kind: 'insert', span: [0, 1], status: ["'completed'", 'null', 'null'], at: 0 });
    await stores.fleet.fold();
    const read = () => client.query('select xmin, ctid, * from fleet_grants');
    const before = (await read()).rows;
    await client.query(
      "update grants set status = 'completed', version = version + 1, expires_at = now(), retry_at = now()",
    );
    await client.query("update grants set status = 'completed', consecutive_failures = 3, retry_at = null");
    expect((await read()).rows).toEqual(before);
    expect((await client.query('select from fleet_count_changes')).rowCount).toBe(0);
  });
});

test('statistics without a worker fold what has piled up, also while the planner takes the table for empty', async () => {
  await stores.fleet.fold();
  await addChanges(30_000);
  // The last row keeps all pages of the table, so that the planner expects hardly a row on each.
  await client.query('delete from fleet_count_changes where id < (select max(id) from fleet_count_changes)');
  await client.query('vacuum analyze fleet_count_changes');
  // An odd number of them takes back the last row.
  await addChanges(29_999);
  await expectCountsToBeTrue();
  expect((await client.query('select from fleet_count_changes')).rowCount).toBe(0);
  await expectCountsToBeTrue();
});

/** Adds changes of no grant. Each second one takes back the one before. */
async function addChanges(count: number): Promise<void> {
  await client.query(
    `insert into fleet_count_changes (owner, provider, status, next_action, reason, grants)
     select 'acme', 'none', 'failed', 'authorize', 'revoked', case when n % 2 = 0 then 1 else -1 end
     from generate_series(1, $1::int) as n`,
    [count],
  );
}

test('a role that may write grants, and has no rights to the tables of the fleet, changes the counts', async () => {
  const role = await createLimitedRole(stores.url);
  for (const table of ['fleet_grants', 'fleet_counts', 'fleet_count_changes']) {
    await role.sql(`revoke all on ${table} from ${role.name}`);
  }
  const limited = createPostgres({ connectionString: role.url, poolMax: 4, onError: () => {} });
  const own = connections[0] as Connection;
  await limited.database.write('acme', ({ grants }) =>
    grants.putFailed(
      idOf(1),
      { connectionId: own.id, subject: 'x', accountId: null },
      {
        reason: 'client_rejected',
        message: 'No.',
        retryAt: null,
        origins: { testUrl: null, revocationUrl: null },
        now: new Date(),
      },
    ),
  );
  await limited.close();
  await role.drop();
  await expectCountsToBeTrue();
});

test('truncating the grants empties the lists and the counts', async () => {
  await apply({ kind: 'insert', span: [0, 3], status: ["'completed'", 'null', 'null'], at: 0 });
  await client.query('truncate grants cascade');
  await expectCountsToBeTrue();
});
