import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: pg.Client;
let global: Connection;
const owners = [null, 'acme', 'other'];
beforeAll(async () => {
  stores = await openTestStores();
  client = new pg.Client({ connectionString: stores.url });
  await client.connect();
  global = await storeConnection(stores, aConnection(null, 'crm'));
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});

const reaches: Reach[] = [
  { organizations: '*', global: true },
  { organizations: '*', global: false },
  { organizations: ['acme'], global: false },
  { organizations: ['acme', 'nowhere'], global: true },
  { organizations: [], global: true },
];

/** Counts the rows themselves. */
async function counted({ organizations, global: isGlobal }: Reach) {
  const { rows } = await client.query(
    `select count(*) filter (where health = 'healthy')::int as healthy,
       count(*) filter (where health = 'unhealthy')::int as unhealthy, count(*) filter (where health is null)::int as unchecked
     from grants where organization_id = any($1) or ($2 and organization_id is not null) or ($3 and organization_id is null)`,
    [organizations === '*' ? [] : organizations, organizations === '*', isGlobal],
  );
  return rows[0];
}

const change = fc.oneof(
  fc.record({ kind: fc.constant('insert'), owner: fc.constantFrom(...owners), n: fc.nat(1000) }),
  fc.record({ kind: fc.constantFrom('healthy', 'unhealthy', 'forgotten', 'delete'), n: fc.nat(1000) }),
  fc.record({ kind: fc.constant('fold'), n: fc.nat(1000) }),
);

test('whatever happens to grants, the counts of every caller equal the rows within its reach', async () => {
  let subjects = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 25 }), async (changes) => {
      for (const one of changes) {
        const some = `select id from grants where abs(hashtext(id::text)) % 3 = ${one.n % 3}`;
        if ('owner' in one) await storeGrant(stores, one.owner, global, { subject: `person-${++subjects}` });
        else if (one.kind === 'fold') await stores.healthCounts.fold();
        else if (one.kind === 'delete') await client.query(`delete from grants where id in (${some})`);
        else {
          const health = one.kind === 'forgotten' ? null : one.kind;
          await client.query(`update grants set health = $1 where id in (${some})`, [health]);
        }
      }
      for (const reach of reaches) expect(await stores.healthCounts.read(reach)).toEqual(await counted(reach));
    }),
    { numRuns: 25 },
  );
  await client.query('truncate grants cascade');
  const none = { healthy: 0, unhealthy: 0, unchecked: 0 };
  for (const reach of reaches) expect(await stores.healthCounts.read(reach)).toEqual(none);
}, 120_000);

test('a change that is rolled back is not counted', async () => {
  await storeGrant(stores, 'acme', global, { subject: 'rolled-back' });
  await client.query('begin');
  await client.query(`update grants set health = 'unhealthy'`);
  await client.query('rollback');
  expect(await stores.healthCounts.read({ organizations: ['acme'], global: false })).toEqual({
    healthy: 0,
    unhealthy: 0,
    unchecked: 1,
  });
});

test('folds what has piled up, also while the planner takes the table for empty', async () => {
  const pileUp = () =>
    client.query(
      `insert into health_count_changes (owner, health, grants)
       select 'acme', 'healthy', case when n % 2 = 0 then 1 else -1 end from generate_series(1, 30000) as n`,
    );
  await pileUp();
  // The last row keeps all pages of the table, so that the planner expects hardly a row on each.
  await client.query('delete from health_count_changes where id < (select max(id) from health_count_changes)');
  await client.query('vacuum analyze health_count_changes');
  await pileUp();
  await stores.healthCounts.fold();
  expect((await client.query('select from health_count_changes')).rowCount).toBe(0);
});
