import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import type { Stores, TransactionStores } from '../../src/domain/ports/stores.ts';
import { anAuthorization } from '../support/builders/authorization.ts';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival } from '../support/builders/grant.ts';
import { grantsOf, storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

const now = new Date();

/** Isolation of organisations, over every store. */
export function describeTenants(open: OpenStores): void {
  describe('stores of one organisation, used with the names and ids of another', () => {
    let stores: OpenedStores;
    let theirs: Connection;
    let global: Connection;
    let theirGrant: string;
    let theirGlobalGrant: string;
    let theirAuthorization: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      const name = `tenant-${++sequence}`;
      theirs = await storeConnection(stores, aConnection('victim', name));
      global = await storeConnection(stores, aConnection(null, `${name}-global`, { multiAccount: true }));
      theirGrant = await storeGrant(stores, 'victim', theirs);
      theirGlobalGrant = await storeGrant(stores, 'victim', global, { accountId: 'A' });
      const authorization = anAuthorization(global, { organizationId: 'victim' });
      theirAuthorization = authorization.stateHash;
      await stores.database.write('victim', ({ authorizations }) => authorizations.insert(authorization));
    });

    const read = (): Stores => stores.database.read('intruder');
    const write = <T>(work: (all: TransactionStores) => Promise<T>) => stores.database.write('intruder', work);
    /** Reads every row of the victim, to compare before and after. */
    const readVictim = async () => ({
      grants: [
        (await stores.refreshes.find(theirGrant))?.grant,
        (await stores.refreshes.find(theirGlobalGrant))?.grant,
      ],
      authorization: await stores.authorizations.find(theirAuthorization),
      connection: (await stores.database.read('victim').connections.find(theirs.name))?.connection,
      global: (await stores.database.read(null).connections.find(global.name))?.connection,
    });

    test('an organisation finds no connection, grant or authorization of another, by name, id or list', async () => {
      expect(await read().connections.find(theirs.name)).toBeUndefined();
      expect(await read().connections.findOwn(theirs.name)).toBeUndefined();
      const page = await read().connections.list({ includeGlobal: true, limit: 200 });
      expect(page.records.map(({ connection }) => connection.organizationId)).not.toContain('victim');
      expect(await grantsOf(read().grants, theirs.id)).toEqual([]);
      expect(await grantsOf(read().grants, global.id)).toEqual([]);
      expect(await read().grants.find(theirs.id, theirGrant)).toBeUndefined();
      expect(await read().grants.findMatching({ connectionId: global.id, subject: null, accountId: null }, 9)).toEqual(
        [],
      );
      expect(await read().grants.findSlot({ connectionId: global.id, subject: null, accountId: 'A' })).toBeUndefined();
      expect(await read().authorizations.find(theirAuthorization)).toBeUndefined();
    });

    test('an organisation sees a shared global connection as if no other organisation used it', async () => {
      expect(await read().connections.find(global.name)).toMatchObject({ status: 'not_connected', served: null });
      const match = await stores.credentials.find({
        organizationId: 'intruder',
        connectionName: global.name,
        subject: null,
        accountId: null,
      });
      expect(match?.grants).toEqual([]);
      const named = await stores.credentials.find({
        organizationId: 'intruder',
        connectionName: global.name,
        subject: null,
        accountId: 'A',
      });
      expect(named?.grants).toEqual([]);
    });

    test('an organisation locks no connection or grant of another', async () => {
      await write(async ({ connections, grants }) => {
        expect(await connections.lockOwn(theirs.name)).toBeUndefined();
        expect(await connections.lockOwn(global.name)).toBeUndefined();
        expect(await connections.lockForUse(theirs.id)).toBeUndefined();
        expect(await grants.lockSlot({ connectionId: global.id, subject: null, accountId: 'A' })).toBeUndefined();
        expect(await grants.lockMatching(global.id, null, null)).toEqual([]);
        expect(await grants.listAllOf(theirs.id)).toEqual([]);
        expect(await grants.listAllOf(global.id)).toEqual([]);
        expect(await grants.maxAccountsPerSubject(global.id)).toBe(0);
      });
    });

    test('an organisation changes nothing of another, nor of a global connection', async () => {
      const before = await readVictim();
      await write(async ({ connections, grants, authorizations }) => {
        for (const connection of [theirs, global]) {
          await connections.update({ ...connection, revision: 9 });
          await connections.delete(connection.id);
          expect(await grants.countWorkingOf(connection.id)).toEqual({ grants: 0, organizations: 0 });
          expect(await grants.dropAllOf(connection.id, now)).toBe(0);
          await grants.liftClientRejection(connection.id, now);
          await grants.setMultiAccount(connection.id, false);
          expect(await authorizations.cancelPending(connection.id, undefined, now)).toBe(0);
          expect(await authorizations.voidAllOf(connection.id, now)).toBe(0);
        }
        for (const id of [theirGrant, theirGlobalGrant]) {
          await grants.replace(id, anArrival(global));
          await grants.revoke(id, { by: 'intruder', reason: null, now });
          await grants.recordTest(id, { at: now, health: 'unhealthy', error: 'x' });
          expect(await grants.delete(id)).toBe(false);
        }
        await authorizations.settle(theirAuthorization, {
          status: 'failed',
          reason: 'user_denied',
          message: null,
          error: null,
          errorDescription: null,
          account: null,
          details: null,
        });
      });
      expect(await readVictim()).toEqual(before);
    });

    test('a written row belongs to the writing organisation, whatever organisation its values name', async () => {
      await write(async ({ connections, authorizations }) => {
        await connections.insert(aConnection('victim', `planted-${sequence}`));
        await authorizations.insert({
          ...anAuthorization(global, { organizationId: 'victim' }),
          stateHash: `planted-${sequence}`,
        });
      });
      expect(await stores.database.read('victim').connections.find(`planted-${sequence}`)).toBeUndefined();
      expect((await read().connections.findOwn(`planted-${sequence}`))?.connection.organizationId).toBe('intruder');
      expect(await stores.database.read('victim').authorizations.find(`planted-${sequence}`)).toBeUndefined();
    });

    test('the global scope finds no connection, grant or authorization of an organisation', async () => {
      const globalStores = stores.database.read(null);
      expect(await globalStores.connections.find(theirs.name)).toBeUndefined();
      expect(await grantsOf(globalStores.grants, global.id)).toEqual([]);
      expect(await globalStores.authorizations.find(theirAuthorization)).toBeUndefined();
      const match = await stores.credentials.find({
        organizationId: null,
        connectionName: global.name,
        subject: null,
        accountId: null,
      });
      expect(match?.grants).toEqual([]);
    });
  });
}
