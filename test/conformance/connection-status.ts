import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failedBecause } from '../../src/broker/authorizations/obtain-authorized-tokens.ts';
import type { Authorization } from '../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../src/domain/connections/connection.ts';
import { anAuthorization } from '../support/builders/authorization.ts';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow } from '../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** The status that ConnectionReader derives from grants and authorizations. */
export function describeConnectionStatus(open: OpenStores): void {
  describe('ConnectionReader, status', () => {
    let stores: OpenedStores;
    let acme: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(() => {
      acme = `status-${++sequence}`;
    });

    const read = (organizationId: OrganizationId) => stores.database.read(organizationId).connections;
    const statusOf = async (connection: Connection) => {
      const record = await read(acme).find(connection.name);
      const listed = (await read(acme).list({ includeGlobal: true, limit: 50, q: connection.name })).records.find(
        (found) => found.connection.id === connection.id,
      );
      expect(listed).toEqual({ ...record, shadowed: listed?.shadowed });
      return { status: record?.status, reason: record?.statusReason };
    };
    const authorize = (connection: Connection, changes: Partial<Authorization> = {}) =>
      stores.database.write(acme, ({ authorizations }) =>
        authorizations.insert(anAuthorization(connection, { organizationId: acme, ...changes })),
      );

    test('without a grant it is the status of the latest authorization', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'authorized'));
      const at = (minute: number) => ({ createdAt: minutesFromNow(minute) });
      await authorize(connection, { ...at(-60), expiresAt: minutesFromNow(-45) });
      expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'authorization_expired' });
      await authorize(connection, { ...at(-50), status: 'failed', statusReason: 'user_denied' });
      expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'user_denied' });
      await authorize(connection, { ...at(-40), status: 'cancelled' });
      expect(await statusOf(connection)).toEqual({ status: 'failed', reason: 'authorization_cancelled' });
      await authorize(connection, { ...at(-30), status: 'completed' });
      expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: null });
      await authorize(connection, { ...at(-20), status: 'testing' });
      expect(await statusOf(connection)).toEqual({ status: 'testing', reason: null });
      await authorize(connection, at(-10));
      expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
      await authorize(connection, { ...at(-5), subject: 'ann', status: 'failed', statusReason: 'user_denied' });
      expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
    });

    test('a working grant wins over a later authorization; a grant without tokens does not', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'reconnect'));
      await storeGrant(stores, acme, connection);
      await authorize(connection);
      expect(await statusOf(connection)).toEqual({ status: 'completed', reason: null });
      await stores.database.write(acme, async ({ grants, authorizations }) => {
        await grants.dropAllOf(connection.id, new Date());
        await authorizations.voidAllOf(connection.id, new Date());
      });
      expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: 'configuration_changed' });
      await authorize(connection, { createdAt: minutesFromNow(1) });
      expect(await statusOf(connection)).toEqual({ status: 'waiting_callback', reason: null });
    });

    test('a failed authorization decides the failure until a later one starts or a grant exists', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'failing'));
      const failureOf = async () => {
        const [listed] = (await read(acme).list({ includeGlobal: false, limit: 50, q: 'failing' })).records;
        const found = await read(acme).find('failing');
        expect(listed?.failure).toEqual(found?.failure);
        return found?.failure;
      };
      const failed = { status: 'failed', statusReason: 'exchange_failed', error: 'invalid_client' } as const;
      const createdAt = minutesFromNow(-30);
      expect(await failureOf()).toBeNull();
      await authorize(connection, { ...failed, createdAt, details: failedBecause('client_rejected') });
      expect(await failureOf()).toEqual({ cause: 'client_rejected', at: createdAt, lastError: null });
      const exchange = { class: 'client', httpStatus: 401, at: minutesFromNow(-19) } as const;
      const details = { ...failedBecause('client_rejected'), exchange };
      await authorize(connection, { ...failed, errorDescription: 'Locked.', createdAt: minutesFromNow(-20), details });
      expect(await failureOf()).toEqual({
        cause: 'client_rejected',
        at: exchange.at,
        lastError: { ...exchange, error: 'invalid_client', errorDescription: 'Locked.', attempts: 1 },
      });
      await authorize(connection, { createdAt: minutesFromNow(-15), subject: 'ann' });
      expect((await failureOf())?.at).toEqual(exchange.at);
      await authorize(connection, { ...failed, createdAt: minutesFromNow(-12) });
      expect(await failureOf()).toBeNull();
      await authorize(connection, { ...failed, createdAt: minutesFromNow(-10), details });
      expect((await failureOf())?.at).toEqual(exchange.at);
      await storeGrant(stores, acme, connection);
      expect(await failureOf()).toBeNull();
    });

    test('an authorization that an edit voided leaves the connection not connected', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'voided'));
      await authorize(connection);
      await stores.database.write(acme, ({ authorizations }) => authorizations.voidAllOf(connection.id, new Date()));
      expect(await statusOf(connection)).toEqual({ status: 'not_connected', reason: 'configuration_changed' });
    });

    test('a global connection is served from the own grant, otherwise from the shared one', async () => {
      const global = await storeConnection(stores, aConnection(null, `${acme}-global`));
      const shared = await storeGrant(stores, null, global);
      expect((await read(acme).find(global.name))?.served?.id).toBe(shared);
      const own = await storeGrant(stores, acme, global);
      await stores.database.write(acme, ({ grants }) => grants.revoke(own, { by: 'a', reason: null, now: new Date() }));
      expect(await statusOf(global)).toEqual({ status: 'failed', reason: 'revoked' });
      expect((await read(acme).find(global.name))?.served?.id).toBe(own);
      expect((await read(null).find(global.name))?.status).toBe('completed');
    });

    test('a global connection that is not shared is served from the own grant only', async () => {
      const global = await storeConnection(stores, aConnection(null, `${acme}-own`, { shareWithOrganizations: false }));
      await storeGrant(stores, null, global);
      expect(await read(acme).find(global.name)).toMatchObject({ status: 'not_connected', served: null });
      expect((await read(null).find(global.name))?.status).toBe('completed');
    });

    test('of several accounts the first working one is served', async () => {
      const connection = await storeConnection(stores, aConnection(acme, 'many', { multiAccount: true }));
      const first = await storeGrant(stores, acme, connection, { accountId: 'A', now: minutesFromNow(-3) });
      const second = await storeGrant(stores, acme, connection, { accountId: 'B', now: minutesFromNow(-2) });
      await storeGrant(stores, acme, connection, { accountId: 'C', now: minutesFromNow(-1) });
      expect((await read(acme).find('many'))?.served?.id).toBe(first);
      await stores.database.write(acme, ({ grants }) =>
        grants.revoke(first, { by: 'a', reason: null, now: new Date() }),
      );
      expect((await read(acme).find('many'))?.served?.id).toBe(second);
    });
  });
}
