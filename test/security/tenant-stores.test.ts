import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connection.ts';
import type { Stores, TransactionStores } from '../../src/domain/ports/stores.ts';
import {
  aConnection,
  anArrival,
  aTrip,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
} from '../support/postgres-fixtures.ts';

const now = new Date();

describe('a caller of one organisation, with the names and ids of another', () => {
  let stores: TestStores;
  let theirs: Connection;
  let global: Connection;
  let theirGrant: string;
  let theirGlobalGrant: string;
  let theirTrip: string;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());
  beforeEach(async () => {
    const name = `tenant-${++sequence}`;
    theirs = await storeConnection(stores, aConnection('victim', name));
    global = await storeConnection(stores, aConnection(null, `${name}-global`, { multiAccount: true }));
    theirGrant = await storeGrant(stores, 'victim', theirs);
    theirGlobalGrant = await storeGrant(stores, 'victim', global, { accountId: 'A' });
    const trip = aTrip(global, { organizationId: 'victim' });
    theirTrip = trip.stateHash;
    await stores.database.write('victim', ({ authorizations }) => authorizations.insert(trip));
  });

  const read = (): Stores => stores.database.read('intruder');
  const write = <T>(work: (all: TransactionStores) => Promise<T>) => stores.database.write('intruder', work);
  /** Everything of the victim's, to compare before and after. */
  const everything = async () => ({
    grants: [(await stores.refreshes.find(theirGrant))?.grant, (await stores.refreshes.find(theirGlobalGrant))?.grant],
    trip: await stores.trips.find(theirTrip),
    connection: (await stores.database.read('victim').connections.find(theirs.name))?.connection,
    global: (await stores.database.read(null).connections.find(global.name))?.connection,
  });

  test('finds no connection, grant or trip of theirs, by name, id or list', async () => {
    expect(await read().connections.find(theirs.name)).toBeUndefined();
    expect(await read().connections.findOwn(theirs.name)).toBeUndefined();
    const page = await read().connections.list({ includeGlobal: true, limit: 200 });
    expect(page.records.map(({ connection }) => connection.organizationId)).not.toContain('victim');
    expect(await read().grants.list(theirs.id)).toEqual([]);
    expect(await read().grants.list(global.id)).toEqual([]);
    expect(await read().grants.findSlot({ connectionId: global.id, subject: null, accountId: 'A' })).toBeUndefined();
    expect(await read().authorizations.find(theirTrip)).toBeUndefined();
  });

  test('sees a shared global connection as if the other organisation did not exist', async () => {
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

  test('locks nothing of theirs', async () => {
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

  test('changes nothing of theirs, nor of a global connection', async () => {
    const before = await everything();
    await write(async ({ connections, grants, authorizations }) => {
      for (const connection of [theirs, global]) {
        await connections.update({ ...connection, revision: 9 });
        await connections.delete(connection.id);
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
      await authorizations.settle(theirTrip, {
        status: 'failed',
        reason: 'user_denied',
        message: null,
        connectedAccountId: null,
      });
    });
    expect(await everything()).toEqual(before);
  });

  test('writes under its own organisation whatever a value says', async () => {
    await write(async ({ connections, authorizations }) => {
      await connections.insert(aConnection('victim', `planted-${sequence}`));
      await authorizations.insert({ ...aTrip(global, { organizationId: 'victim' }), stateHash: `planted-${sequence}` });
    });
    expect(await stores.database.read('victim').connections.find(`planted-${sequence}`)).toBeUndefined();
    expect((await read().connections.findOwn(`planted-${sequence}`))?.connection.organizationId).toBe('intruder');
    expect(await stores.database.read('victim').authorizations.find(`planted-${sequence}`)).toBeUndefined();
  });

  test('the global scope is no way into an organisation either', async () => {
    const global_ = stores.database.read(null);
    expect(await global_.connections.find(theirs.name)).toBeUndefined();
    expect(await global_.grants.list(global.id)).toEqual([]);
    expect(await global_.authorizations.find(theirTrip)).toBeUndefined();
    const match = await stores.credentials.find({
      organizationId: null,
      connectionName: global.name,
      subject: null,
      accountId: null,
    });
    expect(match?.grants).toEqual([]);
  });
});
