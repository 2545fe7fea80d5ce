import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { OrganizationId } from '../../src/domain/connections/connection.ts';
import type { ConnectionFilter } from '../../src/domain/ports/connections.ts';
import { anAuthorization } from '../support/builders/authorization.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** ConnectionReader and ConnectionWriter, except the status: see connection-status.ts. */
export function describeConnections(open: OpenStores): void {
  describe('ConnectionWriter', () => {
    let stores: OpenedStores;
    let acme: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(() => {
      acme = `acme-${++sequence}`;
    });

    const read = (organizationId: OrganizationId) => stores.database.read(organizationId).connections;
    const list = (filter: Partial<ConnectionFilter> = {}) =>
      read(acme).list({ includeGlobal: false, limit: 50, ...filter });
    const namesOf = (page: Awaited<ReturnType<typeof list>>) => page.records.map(({ connection }) => connection.name);

    test('finds a connection as it was stored', async () => {
      const connection = await storeConnection(
        stores,
        aConnection(acme, 'one', { description: 'Ours', tokenAuthMethod: 'client_secret_post' }),
      );
      expect(await read(acme).find('one')).toEqual({
        connection,
        status: 'not_connected',
        statusReason: null,
        statusMessage: null,
        failure: null,
        served: null,
        shadowed: false,
      });
    });

    test('a name exists once in an organisation and once in the global scope', async () => {
      const name = `${acme}-taken`;
      for (const owner of [acme, null]) {
        await storeConnection(stores, aConnection(owner, name));
        await expect(storeConnection(stores, aConnection(owner, name))).rejects.toMatchObject({
          code: 'connection_exists',
        });
      }
    });

    test('finds an own connection before the global one, which the list marks as shadowed', async () => {
      const name = `${acme}-both`;
      const global = await storeConnection(stores, aConnection(null, name));
      expect((await read(acme).find(name))?.connection.id).toBe(global.id);
      expect(await read(acme).findOwn(name)).toBeUndefined();
      const own = await storeConnection(stores, aConnection(acme, name));
      expect((await read(acme).find(name))?.connection.id).toBe(own.id);
      expect((await read(acme).findOwn(name))?.connection.id).toBe(own.id);
      const { records, count } = await list({ includeGlobal: true, q: name });
      expect(count).toBe(2);
      expect(Object.fromEntries(records.map(({ connection, shadowed }) => [connection.id, shadowed]))).toEqual({
        [global.id]: true,
        [own.id]: false,
      });
    });

    test('pages cover every connection once in order of name, and each page has the count of all', async () => {
      for (const name of ['b', 'a', 'e', 'C', 'd']) await storeConnection(stores, aConnection(acme, name));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.count).toBe(5);
        seen.push(...namesOf(page));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(['C', 'a', 'b', 'd', 'e']);
    });

    test('rejects a cursor that no list returned', async () => {
      const encoded = ['["a","b"]', '{}'].map((text) => Buffer.from(text).toString('base64url'));
      for (const cursor of ['nonsense', '', ...encoded]) {
        await expect(list({ cursor }), cursor).rejects.toMatchObject({ code: 'invalid_request' });
      }
    });

    test('lists by provider, flow, status and by part of name or description', async () => {
      await storeConnection(stores, aConnection(acme, 'one', { provider: 'google', description: 'Mail of SALES' }));
      const two = await storeConnection(stores, aConnection(acme, 'two_100%', { flow: 'client_credentials' }));
      await storeGrant(stores, acme, two);
      expect(namesOf(await list({ provider: 'google' }))).toEqual(['one']);
      expect(namesOf(await list({ flow: 'client_credentials' }))).toEqual(['two_100%']);
      expect(namesOf(await list({ status: 'completed' }))).toEqual(['two_100%']);
      expect(await list({ status: 'not_connected' })).toMatchObject({ count: 1 });
      expect(namesOf(await list({ q: 'sales' }))).toEqual(['one']);
      expect(namesOf(await list({ q: '%' }))).toEqual(['two_100%']);
      expect(await list({ q: 'absent' })).toEqual({ records: [], count: 0, nextCursor: null });
    });

    test('an update replaces settings, secrets and versions, and neither name nor origin', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'edited'));
      const settings = { ...connection.settings, description: 'edited', scopes: [] };
      const edited = { ...connection, settings, revision: 2, configVersion: 2, sealedClientSecrets: null };
      await stores.database.write(acme, ({ connections }) =>
        connections.update({ ...edited, name: 'renamed', createdBy: 'another', createdAt: new Date(0) }),
      );
      expect((await read(acme).find('edited'))?.connection).toEqual(edited);
      expect(await read(acme).find('renamed')).toBeUndefined();
    });

    test('lockOwn finds own connections only, lockForUse global ones too', async () => {
      const own = await storeConnection(stores, aConnection(acme, 'own'));
      const global = await storeConnection(stores, aConnection(null, `${acme}-global`));
      await stores.database.write(acme, async ({ connections }) => {
        expect((await connections.lockOwn('own'))?.id).toBe(own.id);
        expect(await connections.lockOwn(global.name)).toBeUndefined();
        expect((await connections.lockForUse(own.id))?.id).toBe(own.id);
        expect((await connections.lockForUse(global.id))?.id).toBe(global.id);
      });
    });

    test('deletes everything below a connection, of every organisation', async () => {
      const global = await storeConnection(stores, aConnection(null, `${acme}-deleted`));
      const grant = await storeGrant(stores, acme, global);
      const pending = anAuthorization(global, { organizationId: acme });
      await stores.database.write(acme, ({ authorizations }) => authorizations.insert(pending));
      await stores.database.write(null, ({ connections }) => connections.delete(global.id));
      expect(await stores.refreshes.find(grant)).toBeUndefined();
      expect(await stores.authorizations.find(pending.stateHash)).toBeUndefined();
      expect(await read(acme).find(global.name)).toBeUndefined();
    });
  });
}
