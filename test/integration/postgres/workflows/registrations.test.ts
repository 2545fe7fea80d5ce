import fc from 'fast-check';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { WorkflowFetch } from '../../../../src/domain/ports/workflows.ts';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let second: Postgres;
beforeAll(async () => {
  stores = await openTestStores();
  second = createPostgres({ connectionString: stores.url, poolMax: 10, onError: () => {} });
});
afterAll(async () => {
  await second?.close();
  await stores?.end();
});

let sequence = 0;
const newConnection = (owner: OrganizationId) =>
  storeConnection(stores, aConnection(owner, `registrations-${++sequence}`));
const fetchOf = (
  { id: connectionId }: Pick<Connection, 'id'>,
  workflow: string,
  second: number,
  name: string | null = null,
  organizationId: OrganizationId = 'acme',
): WorkflowFetch => ({ organizationId, connectionId, workflow: { id: workflow, name }, at: new Date(second * 1000) });
const dependentsOf = async ({ id }: Connection, organizationId: OrganizationId = 'acme') =>
  (await stores.database.read(organizationId).workflows.listOwnDependents(id, { limit: 200 })).items.map(
    ({ workflow, registeredAt, lastAccessedAt }) => ({
      ...workflow,
      registered: registeredAt.getTime() / 1000,
      accessed: lastAccessedAt.getTime() / 1000,
    }),
  );
const deleteIt = ({ id, organizationId }: Connection) =>
  stores.database.write(organizationId, ({ connections }) => connections.delete(id));

describe('a batch of registrations', () => {
  test('it registers new pairs, and moves known ones to the later access and the name that is known', async () => {
    const connection = await newConnection('acme');
    await stores.workflowRegistrations.registerAll([fetchOf(connection, 'a', 5, 'A'), fetchOf(connection, 'b', 5)]);
    await stores.workflowRegistrations.registerAll([
      fetchOf(connection, 'a', 9),
      fetchOf(connection, 'b', 4, 'late'),
      fetchOf(connection, 'c', 1, 'quote " comma , brace } \\ ä null'),
    ]);
    expect(await dependentsOf(connection)).toEqual([
      { id: 'a', name: 'A', registered: 5, accessed: 9 },
      { id: 'b', name: null, registered: 5, accessed: 5 },
      { id: 'c', name: 'quote " comma , brace } \\ ä null', registered: 1, accessed: 1 },
    ]);
  });

  test('a connection that was deleted meanwhile leaves out its own pairs and no other', async () => {
    const [gone, kept] = [await newConnection('acme'), await newConnection('acme')];
    await deleteIt(gone);
    const batch = [fetchOf(gone, 'w', 1), fetchOf(kept, 'w', 1), fetchOf({ id: v7() }, 'w', 1)];
    await stores.workflowRegistrations.registerAll(batch);
    expect(await dependentsOf(kept)).toHaveLength(1);
    expect(await stores.database.read('acme').workflows.listDependencies('w', { limit: 9 })).toMatchObject({
      items: [{ connectionId: kept.id }],
    });
  });

  test('a pair whose connection belongs to another organisation is not registered', async () => {
    const [theirs, global] = [await newConnection('other'), await newConnection(null)];
    await stores.workflowRegistrations.registerAll([fetchOf(theirs, 'w', 1), fetchOf(global, 'w', 1)]);
    expect(await dependentsOf(theirs)).toEqual([]);
    expect(await dependentsOf(global)).toHaveLength(1);
  });

  test('whatever batches two processes write at once while connections are deleted, the last access of each pair stays', async () => {
    const fetches = fc.array(
      fc.record({
        process: fc.constantFrom('first', 'second'),
        connection: fc.nat({ max: 2 }),
        workflow: fc.constantFrom('v', 'w'),
        second: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(fetches, fc.nat({ max: 3 }), async (all, deleted) => {
        const connections = await Promise.all([1, 2, 3].map(() => newConnection('acme')));
        const batches: WorkflowFetch[][] = [];
        for (const one of all) {
          const connection = connections[one.connection];
          if (connection === undefined) continue;
          const fetch = fetchOf(connection, one.workflow, one.second);
          const isIn = (batch: WorkflowFetch[]) =>
            batch.some((each) => each.connectionId === fetch.connectionId && each.workflow.id === fetch.workflow.id);
          const open = batches.find((batch) => !isIn(batch));
          if (open === undefined) batches.push([fetch]);
          else open.push(fetch);
        }
        const deletion = connections[deleted];
        await Promise.all([
          ...batches.map((batch, n) => (n % 2 === 0 ? stores : second).workflowRegistrations.registerAll(batch)),
          ...(deletion === undefined ? [] : [deleteIt(deletion)]),
        ]);
        for (const [n, connection] of connections.entries()) {
          const mine = n === deleted ? [] : all.filter((one) => one.connection === n);
          const expected = [...new Set(mine.map(({ workflow }) => workflow))].toSorted().map((id) => ({
            id,
            accessed: Math.max(...mine.filter(({ workflow }) => workflow === id).map(({ second: at }) => at)),
          }));
          const found = await dependentsOf(connection);
          expect(found.map(({ id, accessed }) => ({ id, accessed }))).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
  });
});
