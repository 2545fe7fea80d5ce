import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

export function describeClientSecrets(open: OpenStores): void {
  describe('ClientSecretStore', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `secrets-${++sequence}`));
    });

    const stored = async () => (await stores.database.read('acme').connections.findOwn(connection.name))?.connection;
    const at = new Date('2030-01-01T00:00:00Z');

    test('a refusal of the newest secret is dated once and changes nothing else', async () => {
      await stores.clientSecrets.recordRefused(connection, at);
      await stores.clientSecrets.recordRefused(connection, new Date());
      expect(await stored()).toEqual({ ...connection, clientSecretRefusedAt: at });
    });

    test('an accepted newest secret replaces the list, ends the refusal and changes nothing else', async () => {
      await stores.clientSecrets.recordRefused(connection, at);
      const newest = randomBytes(16);
      await stores.clientSecrets.keepNewest(connection, newest);
      expect(await stored()).toEqual({ ...connection, sealedClientSecrets: newest });
    });

    test('a call that sent earlier secrets changes nothing after an edit of the secret', async () => {
      const edited = { ...connection, sealedClientSecrets: randomBytes(16), revision: 2 };
      await stores.database.write('acme', ({ connections }) => connections.update(edited));
      await stores.clientSecrets.recordRefused(connection, at);
      await stores.clientSecrets.keepNewest(connection, randomBytes(16));
      expect(await stored()).toEqual(edited);
    });

    test('of two processes that saw different results, the accepted secret wins in either order', async () => {
      const newest = randomBytes(16);
      await stores.clientSecrets.keepNewest(connection, newest);
      await stores.clientSecrets.recordRefused(connection, at);
      expect(await stored()).toEqual({ ...connection, sealedClientSecrets: newest });
    });

    test('an edit that keeps the secrets keeps the refusal', async () => {
      await stores.clientSecrets.recordRefused(connection, at);
      await stores.database.write('acme', async ({ connections }) => {
        const locked = await connections.lockOwn(connection.name);
        if (locked !== undefined) await connections.update({ ...locked, revision: 2 });
      });
      expect(await stored()).toMatchObject({ revision: 2, clientSecretRefusedAt: at });
    });
  });
}
