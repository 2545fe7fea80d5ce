import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowEventOf } from '../../../../src/broker/audit-event.ts';
import { createRegisterDependency } from '../../../../src/broker/workflows/register-dependency.ts';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import { isBrokerError } from '../../../../src/domain/errors.ts';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { actorOf } from '../../../support/memory/broker.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let second: Postgres;
beforeAll(async () => {
  stores = await openTestStores();
  second = createPostgres({ connectionString: stores.url, poolMax: 12, onError: () => {} });
});
afterAll(async () => {
  await second?.close();
  await stores?.end();
});

const clock = () => new Date();
const registerAt = (postgres: Postgres) => createRegisterDependency({ database: postgres.database, clock });
const deleteWithDependents = (connection: Connection) =>
  stores.database.write(connection.organizationId, async ({ connections, workflows }) => {
    await connections.lockOwn(connection.name);
    const at = clock();
    const actor = actorOf(connection.organizationId);
    const disabled = await workflows.disableDependents(connection.id, {
      reason: 'The connection was deleted.',
      by: 'bootstrap',
      at,
      eventOf: ({ workflow }) => workflowEventOf(actor, at, { action: 'workflow.disabled', workflow, connection }),
    });
    await connections.delete(connection.id);
    return disabled.map(({ organizationId, workflow }) => `${organizationId} ${workflow.id}`);
  });

test('a registration beside a deletion is either found by it, and disabled, or refused: never lost', async () => {
  let found = 0;
  let refused = 0;
  for (let round = 0; round < 30; round++) {
    const connection = await storeConnection(stores, aConnection(null, `doomed-${round}`));
    const owners: OrganizationId[] = ['acme', 'other', null];
    const workflows = Array.from({ length: 12 }, (_, n) => ({ id: `w-${round}-${n}`, owner: owners[n % 3] ?? null }));
    const registrations = workflows.map(({ id, owner }, n) =>
      registerAt(n % 2 === 0 ? stores : second)(actorOf(owner), { id, name: null }, connection.name),
    );
    const fetches = workflows.map(({ id, owner: organizationId }) => ({
      organizationId,
      connectionId: connection.id,
      workflow: { id: `${id}-fetched`, name: null },
      at: clock(),
    }));
    const [disabled, results] = await Promise.all([
      deleteWithDependents(connection),
      Promise.allSettled(registrations),
      second.workflowRegistrations.registerAll(fetches),
    ]);
    for (const [n, result] of results.entries()) {
      const { id, owner } = workflows[n] ?? { id: '', owner: null };
      const isRegistered = result.status === 'fulfilled';
      if (!isRegistered) expect(isBrokerError(result.reason, 'connection_not_found')).toBe(true);
      expect(disabled.includes(`${owner} ${id}`)).toBe(isRegistered);
      const { workflows: reader } = stores.database.read(owner);
      expect((await reader.find(id))?.isDisabled ?? false).toBe(isRegistered);
      for (const each of [id, `${id}-fetched`]) {
        expect((await reader.listDependencies(each, { limit: 1 })).items).toEqual([]);
      }
      if (isRegistered) found += 1;
      else refused += 1;
    }
  }
  // Both ends of the race were seen.
  expect(found).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

test('deletions of connections with the same workflows disable each of them once, and none waits in a circle', async () => {
  for (let round = 0; round < 4; round++) {
    const names = [1, 2, 3, 4].map((n) => `shared-${round}-${n}`);
    const connections = await Promise.all(names.map((name) => storeConnection(stores, aConnection('acme', name))));
    const ids = Array.from({ length: 20 }, (_, n) => `s-${round}-${n}`);
    for (const [n, { name }] of connections.entries()) {
      for (const id of n % 2 === 0 ? ids : ids.toReversed()) {
        await registerAt(stores)(actorOf('acme'), { id, name: null }, name);
      }
    }
    const disabled = (await Promise.all(connections.map(deleteWithDependents))).flat();
    expect(disabled.toSorted()).toEqual(ids.map((id) => `acme ${id}`).toSorted());
  }
});

test('a change of very many workflows reaches the states that other processes keep in memory', async () => {
  await second.listener.start();
  await expect.poll(() => second.listener.isUp()).toBe(true);
  const connection = await storeConnection(stores, aConnection('acme', 'wide'));
  const ids = Array.from({ length: 300 }, (_, n) => `wide-${n}`);
  const at = clock();
  await stores.workflowRegistrations.registerAll(
    ids.map((id) => ({
      organizationId: 'acme',
      connectionId: connection.id,
      workflow: { id, name: null },
      at,
    })),
  );
  for (const id of ids) expect(await second.workflowStates.find('acme', id)).toBeUndefined();
  expect(await deleteWithDependents(connection)).toHaveLength(ids.length);
  for (const id of ids) {
    await expect.poll(async () => (await second.workflowStates.find('acme', id))?.connectionName).toBe('wide');
  }
});
