import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import {
  aConnection,
  aTrip,
  minutesFromNow,
  openTestStores,
  storeConnection,
  type TestStores,
} from '../../support/postgres-fixtures.ts';

describe('trip store', () => {
  let stores: TestStores;
  let connection: Connection;

  beforeAll(async () => {
    stores = await openTestStores();
    connection = await storeConnection(stores, aConnection('acme', 'trips'));
  });
  afterAll(() => stores.end());

  async function start(changes: Parameters<typeof aTrip>[1] = {}) {
    const trip = aTrip(connection, changes);
    await stores.database.write('acme', ({ authorizations }) => authorizations.insert(trip));
    return trip;
  }
  const found = async (stateHash: string) => (await stores.trips.find(stateHash))?.authorization;

  test('what was stored is what is found, with its connection', async () => {
    const trip = await start({ subject: 'ann', loginHint: 'a@b.c', returnUrl: 'https://app.example/' });
    expect(await stores.trips.find(trip.stateHash)).toEqual({ authorization: trip, connection });
    expect(await stores.database.read('acme').authorizations.find(trip.stateHash)).toEqual({
      authorization: trip,
      connectionName: 'trips',
    });
  });

  test('of fifty replays of a callback one is let through', async () => {
    const { stateHash } = await start();
    await stores.trips.bind(stateHash, 'browser', new Date());
    const consumed = await Promise.all(
      Array.from({ length: 50 }, () => stores.trips.consume(stateHash, 'browser', new Date())),
    );
    expect(consumed.filter((trip) => trip !== undefined)).toHaveLength(1);
    expect(consumed.find((trip) => trip !== undefined)?.authorization.sealedVerifier).not.toBeNull();
  });

  test('a callback from a foreign browser consumes nothing', async () => {
    const { stateHash } = await start();
    expect(await stores.trips.consume(stateHash, 'browser', new Date())).toBeUndefined();
    await stores.trips.bind(stateHash, 'browser', new Date());
    expect(await stores.trips.consume(stateHash, 'foreign', new Date())).toBeUndefined();
    expect(await found(stateHash)).toMatchObject({ status: 'pending', browserHash: 'browser' });
    expect((await stores.trips.consume(stateHash, 'browser', new Date()))?.authorization.status).toBe('testing');
  });

  test('the latest opener binds while pending, and nobody after', async () => {
    const { stateHash } = await start();
    await stores.trips.bind(stateHash, 'first', new Date());
    await stores.trips.bind(stateHash, 'second', new Date());
    await stores.trips.consume(stateHash, 'second', new Date());
    expect(await stores.trips.bind(stateHash, 'third', new Date())).toBeUndefined();
    expect((await found(stateHash))?.browserHash).toBe('second');
  });

  test('an expired trip is neither bound nor consumed', async () => {
    const { stateHash } = await start({ browserHash: 'browser', expiresAt: minutesFromNow(-1) });
    expect(await stores.trips.bind(stateHash, 'browser', new Date())).toBeUndefined();
    expect(await stores.trips.consume(stateHash, 'browser', new Date())).toBeUndefined();
  });

  test('what ended stays ended, without its verifier', async () => {
    const { stateHash } = await start();
    const settle = (status: 'completed' | 'failed') =>
      stores.database.write('acme', ({ authorizations }) =>
        authorizations.settle(stateHash, {
          status,
          reason: status === 'failed' ? 'user_denied' : null,
          message: null,
          connectedAccountId: 'A',
        }),
      );
    await settle('completed');
    await settle('failed');
    expect(await found(stateHash)).toMatchObject({
      status: 'completed',
      statusReason: null,
      connectedAccountId: 'A',
      sealedVerifier: null,
    });
  });

  test('cancelling ends the pending trips of that subject, or of every subject, and no others', async () => {
    connection = await storeConnection(stores, aConnection('acme', 'cancel'));
    const [nobody, ann, underWay] = [
      await start(),
      await start({ subject: 'ann' }),
      await start({ status: 'testing' }),
    ];
    const cancel = (subject: string | null | undefined) =>
      stores.database.write('acme', ({ authorizations }) =>
        authorizations.cancelPending(connection.id, subject, new Date()),
      );
    expect(await cancel(null)).toBe(1);
    expect((await found(nobody.stateHash))?.status).toBe('cancelled');
    expect((await found(ann.stateHash))?.status).toBe('pending');
    expect(await cancel(undefined)).toBe(1);
    expect((await found(ann.stateHash))?.status).toBe('cancelled');
    expect((await found(underWay.stateHash))?.status).toBe('testing');
  });

  test('trips are purged once they expired before the given instant', async () => {
    const [old, recent] = [
      await start({ expiresAt: minutesFromNow(-1500) }),
      await start({ expiresAt: minutesFromNow(-60) }),
    ];
    expect(await stores.trips.purge(minutesFromNow(-1440))).toBe(1);
    expect(await found(old.stateHash)).toBeUndefined();
    expect(await found(recent.stateHash)).toBeDefined();
  });
});
