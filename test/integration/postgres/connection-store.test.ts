import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Authorization } from '../../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../../src/domain/connection.ts';
import type { ConnectionFilter } from '../../../src/domain/ports/stores.ts';
import {
  aConnection,
  aTrip,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
} from '../../support/postgres-fixtures.ts';

describe('connection store', () => {
  let stores: TestStores;
  let acme: string;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());
  beforeEach(() => {
    acme = `acme-${++sequence}`;
  });

  const read = (organizationId: OrganizationId) => stores.database.read(organizationId).connections;
  const list = (filter: Partial<ConnectionFilter> = {}) =>
    read(acme).list({ includeGlobal: false, limit: 50, ...filter });
  const namesOf = (page: Awaited<ReturnType<typeof list>>) => page.records.map(({ connection }) => connection.name);
  const statusOf = async (connection: Connection) => {
    const record = await read(acme).find(connection.name);
    const listed = (await list({ includeGlobal: true, q: connection.name })).records.find(
      (found) => found.connection.id === connection.id,
    );
    expect(listed).toEqual({ ...record, shadowed: listed?.shadowed });
    return { status: record?.status, reason: record?.statusReason };
  };
  const trip = async (connection: Connection, changes: Partial<Authorization> = {}) => {
    const authorization = aTrip(connection, { organizationId: acme, ...changes });
    await stores.database.write(acme, ({ authorizations }) => authorizations.insert(authorization));
    return authorization;
  };

  test('what was stored is what is found', async () => {
    const connection = await storeConnection(
      stores,
      aConnection(acme, 'one', { description: 'Ours', tokenAuthMethod: 'client_secret_post' }),
    );
    expect(await read(acme).find('one')).toEqual({
      connection,
      status: 'not_connected',
      statusReason: null,
      statusMessage: null,
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

  test('an own connection is found before the global one, which the list marks as shadowed', async () => {
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

  test('pages cover every connection once, in order of name, and each tells how many there are', async () => {
    const names = ['b', 'a', 'e', 'C', 'd'];
    for (const name of names) await storeConnection(stores, aConnection(acme, name));
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

  test('a cursor that no list gave is a bad request', async () => {
    for (const cursor of [
      'nonsense',
      '',
      Buffer.from('["a","b"]').toString('base64url'),
      Buffer.from('{}').toString('base64url'),
    ]) {
      await expect(list({ cursor })).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  test('the list filters by provider, flow, status and by part of name or description', async () => {
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

  test('without a grant the latest trip tells the status', async () => {
    const connection = await storeConnection(stores, aConnection(acme, 'trips'));
    const at = (minute: number) => ({ createdAt: minutesFromNow(minute) });
    await trip(connection, { ...at(-60), expiresAt: minutesFromNow(-45) });
    expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'authorization_expired' });
    await trip(connection, { ...at(-50), status: 'failed', statusReason: 'user_denied' });
    expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'user_denied' });
    await trip(connection, { ...at(-40), status: 'cancelled' });
    expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'authorization_cancelled' });
    await trip(connection, { ...at(-30), status: 'completed' });
    expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: null });
    await trip(connection, { ...at(-20), status: 'testing' });
    expect(await statusOf(connection)).toEqual({ status: 'testing', reason: null });
    await trip(connection, at(-10));
    expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
    await trip(connection, { ...at(-5), subject: 'ann', status: 'failed', statusReason: 'user_denied' });
    expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
  });

  test('a working grant speaks for its connection whatever a later trip does; one without tokens does not', async () => {
    const connection = await storeConnection(stores, aConnection(acme, 'reconnect'));
    await storeGrant(stores, acme, connection);
    await trip(connection);
    expect(await statusOf(connection)).toEqual({ status: 'completed', reason: null });
    await stores.database.write(acme, async ({ grants, authorizations }) => {
      await grants.dropAllOf(connection.id, new Date());
      await authorizations.voidAllOf(connection.id, new Date());
    });
    expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: 'configuration_changed' });
    await trip(connection, { createdAt: minutesFromNow(1) });
    expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
  });

  test('a trip that an edit voided leaves the connection not connected, with the edit as the reason', async () => {
    const connection = await storeConnection(stores, aConnection(acme, 'voided'));
    await trip(connection);
    expect(
      await stores.database.write(acme, ({ authorizations }) => authorizations.voidAllOf(connection.id, new Date())),
    ).toBe(1);
    expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: 'configuration_changed' });
  });

  test('a global connection is seen through the own grant, else through the shared one', async () => {
    const global = await storeConnection(stores, aConnection(null, `${acme}-global`));
    const shared = await storeGrant(stores, null, global);
    expect((await read(acme).find(global.name))?.served?.id).toBe(shared);
    const own = await storeGrant(stores, acme, global);
    await stores.database.write(acme, ({ grants }) => grants.revoke(own, { by: 'a', reason: null, now: new Date() }));
    expect(await statusOf(global)).toEqual({ status: 'failed', reason: 'revoked' });
    expect((await read(acme).find(global.name))?.served?.id).toBe(own);
    expect((await read(null).find(global.name))?.status).toBe('completed');
  });

  test('a connection is deleted with everything below it, of every organisation', async () => {
    const global = await storeConnection(stores, aConnection(null, `${acme}-doomed`));
    const grant = await storeGrant(stores, acme, global);
    const pending = await trip(global);
    await stores.database.write(null, ({ connections }) => connections.delete(global.id));
    expect(await stores.refreshes.find(grant)).toBeUndefined();
    expect(await stores.trips.find(pending.stateHash)).toBeUndefined();
  });

  test('a transaction that throws leaves nothing behind', async () => {
    const work = stores.database.write(acme, async ({ connections }) => {
      await connections.insert(aConnection(acme, 'half'));
      throw new Error('stop');
    });
    await expect(work).rejects.toThrow('stop');
    expect(await read(acme).find('half')).toBeUndefined();
  });

  test('whoever uses a connection holds off an edit until done', async () => {
    const connection = await storeConnection(stores, aConnection(acme, 'held'));
    const order: string[] = [];
    let edit: Promise<void> | undefined;
    await stores.database.write(acme, async ({ connections }) => {
      await connections.lockForUse(connection.id);
      edit = stores.database.write(acme, async (other) => {
        await other.connections.lockOwn('held');
        order.push('edited');
      });
      expect((await read(acme).find('held'))?.connection.id).toBe(connection.id);
      order.push('used');
    });
    await edit;
    expect(order).toEqual(['used', 'edited']);
  });
});
