import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival } from '../support/builders/grant.ts';
import { grantsOf, storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

export function describeDatabase(open: OpenStores): void {
  describe('Database', () => {
    let stores: OpenedStores;
    let organizationId: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(() => {
      organizationId = `database-${++sequence}`;
    });

    const find = async (name: string) => stores.database.read(organizationId).connections.find(name);

    test('a transaction returns the result of its work and commits it', async () => {
      const connection = aConnection(organizationId, 'committed');
      const result = await stores.database.write(organizationId, async ({ connections }) => {
        await connections.insert(connection);
        return 'the result';
      });
      expect(result).toBe('the result');
      expect((await find('committed'))?.connection).toEqual(connection);
    });

    test('a transaction that throws leaves nothing behind', async () => {
      const connection = await storeConnection(stores, aConnection(organizationId, 'kept'));
      const id = await storeGrant(stores, organizationId, connection);
      const work = stores.database.write(organizationId, async ({ connections, grants }) => {
        await connections.insert(aConnection(organizationId, 'half'));
        await grants.replace(id, anArrival(connection));
        await grants.insert(aConnection(null, 'id').id, anArrival(connection, { subject: 'ann' }));
        throw new Error('stop');
      });
      await expect(work).rejects.toThrow('stop');
      expect(await find('half')).toBeUndefined();
      expect(await grantsOf(stores.database.read(organizationId).grants, connection.id)).toMatchObject([
        { id, version: 1 },
      ]);
    });

    test('a transaction reads its own writes, and other readers see them only after the commit', async () => {
      await stores.database.write(organizationId, async ({ connections }) => {
        await connections.insert(aConnection(organizationId, 'unseen'));
        expect(await connections.findOwn('unseen')).toBeDefined();
        expect(await find('unseen')).toBeUndefined();
      });
      expect(await find('unseen')).toBeDefined();
    });

    test('a transaction after one that threw commits', async () => {
      const fails = stores.database.write(organizationId, async () => {
        throw new Error('stop');
      });
      await expect(fails).rejects.toThrow('stop');
      await storeConnection(stores, aConnection(organizationId, 'next'));
      expect(await find('next')).toBeDefined();
    });

    test('an edit waits until the transaction that uses the connection ends', async () => {
      const connection = await storeConnection(stores, aConnection(organizationId, 'held'));
      const order: string[] = [];
      let edit: Promise<void> | undefined;
      await stores.database.write(organizationId, async ({ connections }) => {
        await connections.lockForUse(connection.id);
        edit = stores.database.write(organizationId, async (other) => {
          await other.connections.lockOwn('held');
          order.push('edited');
        });
        expect((await find('held'))?.connection.id).toBe(connection.id);
        order.push('used');
      });
      await edit;
      expect(order).toEqual(['used', 'edited']);
    });
  });
}
