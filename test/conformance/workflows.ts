import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection, OrganizationId } from '../../src/domain/connections/connection.ts';
import type { DisablingOfDependents, PageRequest } from '../../src/domain/ports/workflows.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

export function describeWorkflows(open: OpenStores): void {
  describe('Workflows', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let owner: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      owner = `workflows-${++sequence}`;
      connection = await storeConnection(stores, aConnection(owner, 'crm'));
    });

    const at = (minute: number) => new Date(Date.UTC(2030, 0, 1, 0, minute));
    const read = (organizationId: OrganizationId = owner) => stores.database.read(organizationId).workflows;
    const register = (id: string, minute: number, name: string | null = null, organizationId: OrganizationId = owner) =>
      stores.database.write(organizationId, ({ workflows }) =>
        workflows.register(connection, { id, name }, at(minute)),
      );
    const disable = (id: string, minute: number, reason = 'broken', organizationId: OrganizationId = owner) =>
      stores.database.write(organizationId, ({ workflows }) =>
        workflows.disable(id, { reason, by: 'ada', at: at(minute) }),
      );
    const enable = (id: string, minute: number, organizationId: OrganizationId = owner) =>
      stores.database.write(organizationId, ({ workflows }) => workflows.enable(id, { by: 'bob', at: at(minute) }));
    const disabling = (minute: number): DisablingOfDependents => ({
      reason: 'The connection was deleted.',
      by: 'ada',
      at: at(minute),
      eventOf: ({ workflow }) => ({
        time: at(minute),
        actor: 'ada',
        action: 'workflow.disabled',
        connectionId: connection.id,
        connectionName: connection.name,
        grantId: null,
        outcome: 'success',
        details: { workflow_id: workflow.id },
        requestId: null,
        address: null,
      }),
    });
    const dependency = (id: string, name: string | null, registered: number, accessed = registered) => ({
      workflow: { id, name },
      connectionId: connection.id,
      connectionName: 'crm',
      connectionOwner: connection.organizationId,
      registeredAt: at(registered),
      lastAccessedAt: at(accessed),
    });
    async function walk<T>(list: (page: PageRequest) => Promise<{ items: T[]; nextCursor: string | null }>) {
      const pages: T[][] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return pages;
    }

    test('a registration is listed both ways; a repeated one keeps its first time and takes name and access', async () => {
      expect(await register('w', 1)).toEqual({ dependency: dependency('w', null, 1), isNew: true });
      expect(await register('w', 3, 'Invoices')).toEqual({
        dependency: dependency('w', 'Invoices', 1, 3),
        isNew: false,
      });
      // A late registration takes back neither the name nor the time.
      expect(await register('w', 2)).toEqual({ dependency: dependency('w', 'Invoices', 1, 3), isNew: false });
      const expected = { items: [dependency('w', 'Invoices', 1, 3)], nextCursor: null };
      expect(await read().listDependencies('w', { limit: 5 })).toEqual(expected);
      expect(await read().listOwnDependents(connection.id, { limit: 5 })).toEqual(expected);
      expect(await read().listDependents(connection.id)).toEqual([
        { organizationId: owner, workflow: { id: 'w', name: 'Invoices' } },
      ]);
    });

    test('every list is walked by its cursor, each row once and in order', async () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      const names = ['one', 'two', 'three'];
      for (const id of [...ids].reverse()) await register(id, 1);
      for (const id of ids) await disable(id, 1);
      for (const name of names) {
        connection = await storeConnection(stores, aConnection(owner, name));
        await register('a', 1);
      }
      const crm = (await stores.database.read(owner).connections.find('crm'))?.connection.id ?? '';
      const dependents = await walk((page) => read().listOwnDependents(crm, page));
      expect(dependents.map((page) => page.map(({ workflow }) => workflow.id))).toEqual([
        ['a', 'b'],
        ['c', 'd'],
        ['e'],
      ]);
      const disabled = await walk((page) => read().listDisabled(page));
      expect(disabled.map((page) => page.map(({ workflowId }) => workflowId))).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
      const dependencies = (await walk((page) => read().listDependencies('a', page))).flat();
      expect(dependencies.map(({ connectionName }) => connectionName).sort()).toEqual(['crm', ...names].sort());
    });

    test.each(['nonsense', '', 'WzFd', Buffer.from('["\\u0000"]').toString('base64url')])(
      'a cursor that no list wrote is refused: %j',
      async (cursor) => {
        const page = { limit: 1, cursor };
        const lists = [
          read().listDependencies('w', page),
          read().listOwnDependents(connection.id, page),
          read().listDisabled(page),
        ];
        for (const result of await Promise.allSettled(lists)) {
          expect(result).toMatchObject({ status: 'rejected', reason: { code: 'invalid_request' } });
        }
      },
    );

    test('a workflow is disabled and enabled again, and its state names both', async () => {
      expect(await read().find('w')).toBeUndefined();
      expect(await enable('w', 1)).toBeUndefined();
      const disabled = {
        workflowId: 'w',
        isDisabled: true,
        reason: 'broken',
        disabledAt: at(2),
        disabledBy: 'ada',
        connectionName: null,
        enabledAt: null,
        enabledBy: null,
      };
      expect(await disable('w', 2)).toEqual(disabled);
      expect(await read().find('w')).toEqual(disabled);
      expect(await stores.workflowStates.find(owner, 'w')).toEqual(disabled);
      const enabled = { ...disabled, isDisabled: false, enabledAt: at(3), enabledBy: 'bob' };
      expect(await enable('w', 3)).toEqual(enabled);
      expect(await stores.workflowStates.find(owner, 'w')).toEqual(enabled);
      expect(await read().listDisabled({ limit: 5 })).toEqual({ items: [], nextCursor: null });
      expect(await disable('w', 4, 'again')).toMatchObject({ isDisabled: true, reason: 'again', enabledAt: at(3) });
    });

    test('disabling the dependents of a connection spares those that are disabled already', async () => {
      for (const id of ['a', 'b', 'c']) await register(id, 1, id.toUpperCase());
      await disable('b', 2, 'mine');
      await disable('c', 2);
      await enable('c', 3);
      const disabled = await stores.database.write(owner, ({ workflows }) =>
        workflows.disableDependents(connection.id, disabling(4)),
      );
      expect(disabled).toEqual([
        { organizationId: owner, workflow: { id: 'a', name: 'A' } },
        { organizationId: owner, workflow: { id: 'c', name: 'C' } },
      ]);
      expect(await read().find('a')).toMatchObject({ isDisabled: true, connectionName: 'crm', disabledAt: at(4) });
      expect(await read().find('b')).toMatchObject({ reason: 'mine', connectionName: null });
      expect(await read().find('c')).toMatchObject({ isDisabled: true, connectionName: 'crm', enabledAt: at(3) });
      await stores.database.write(owner, ({ connections }) => connections.delete(connection.id));
      expect(await read().find('a')).toMatchObject({ isDisabled: true, connectionName: 'crm' });
      expect(await read().listDependencies('a', { limit: 5 })).toEqual({ items: [], nextCursor: null });
    });

    test('below a global connection an organisation sees its own dependencies, and the owner disables all', async () => {
      connection = await storeConnection(stores, aConnection(null, `global-${owner}`));
      const other = `${owner}-other`;
      const shared = `w-${owner}`;
      for (const organizationId of [owner, other, null]) await register(shared, 1, null, organizationId);
      for (const organizationId of [owner, other, null]) {
        expect((await read(organizationId).listOwnDependents(connection.id, { limit: 5 })).items).toHaveLength(1);
      }
      const disableAs = (organizationId: OrganizationId) =>
        stores.database.write(organizationId, ({ workflows }) =>
          workflows.disableDependents(connection.id, disabling(2)),
        );
      expect(await read(owner).listDependents(connection.id)).toEqual([]);
      expect(await disableAs(owner)).toEqual([]);
      expect(await read(null).listDependents(connection.id)).toHaveLength(3);
      expect((await disableAs(null)).map(({ organizationId }) => organizationId)).toEqual([owner, other, null]);
      expect(await read(other).find(shared)).toMatchObject({ isDisabled: true });
    });

    test('an organisation reads and changes no workflow of another', async () => {
      await register('w', 1);
      await disable('w', 2);
      const intruder = `${owner}-intruder`;
      for (const organizationId of [intruder, null]) {
        expect(await read(organizationId).find('w')).toBeUndefined();
        expect(await stores.workflowStates.find(organizationId, 'w')).toBeUndefined();
        expect((await read(organizationId).listDependencies('w', { limit: 5 })).items).toEqual([]);
        expect((await read(organizationId).listOwnDependents(connection.id, { limit: 5 })).items).toEqual([]);
        expect(await read(organizationId).listDependents(connection.id)).toEqual([]);
        expect(await enable('w', 3, organizationId)).toBeUndefined();
      }
      await disable('w', 3, 'theirs', intruder);
      expect(await read().find('w')).toMatchObject({ reason: 'broken', isDisabled: true });
      expect((await read(intruder).listDisabled({ limit: 5 })).items).toMatchObject([{ reason: 'theirs' }]);
    });
  });
}
