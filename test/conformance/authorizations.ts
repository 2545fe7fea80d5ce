import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Authorization } from '../../src/domain/authorization.ts';
import type { Connection } from '../../src/domain/connections/connection.ts';
import { anAuthorization } from '../support/builders/authorization.ts';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow } from '../support/builders/grant.ts';
import { someConnectedDetails } from '../support/builders/outcome.ts';
import { storeConnection } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** AuthorizationLookup, by state, and AuthorizationWriter, by organisation. */
export function describeAuthorizations(open: OpenStores): void {
  describe('AuthorizationLookup and AuthorizationWriter', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `authorizations-${++sequence}`));
    });

    async function start(changes: Partial<Authorization> = {}) {
      const authorization = anAuthorization(connection, changes);
      await stores.database.write(authorization.organizationId, ({ authorizations }) =>
        authorizations.insert(authorization),
      );
      return authorization;
    }
    const by = (browserHash: string) => ({ browserHash, callbackHash: 'callback' });
    const found = async (stateHash: string) => (await stores.authorizations.find(stateHash))?.authorization;

    test('finds an authorization as it was stored, with its connection', async () => {
      const authorization = await start({
        subject: 'ann',
        loginHint: 'a@b.c',
        returnUrl: 'https://app.example/',
        clientState: 'cs',
      });
      expect(await stores.authorizations.find(authorization.stateHash)).toEqual({ authorization, connection });
      expect(await stores.database.read('acme').authorizations.find(authorization.stateHash)).toEqual({
        authorization,
        connectionName: connection.name,
      });
      expect(await stores.authorizations.find('unknown')).toBeUndefined();
    });

    test('of fifty callbacks with one state at once exactly one consumes it', async () => {
      const { stateHash, sealedVerifier } = await start();
      await stores.authorizations.bind(stateHash, 'browser', new Date());
      const results = await Promise.all(
        Array.from({ length: 50 }, () => stores.authorizations.consume(stateHash, by('browser'), new Date())),
      );
      const consumed = results.filter((result) => result !== undefined);
      expect(consumed).toHaveLength(1);
      expect(consumed[0]).toMatchObject({
        authorization: { status: 'testing', sealedVerifier, callbackHash: 'callback' },
        connection,
      });
    });

    test('a callback from another browser consumes nothing', async () => {
      const { stateHash } = await start();
      expect(await stores.authorizations.consume(stateHash, by('browser'), new Date())).toBeUndefined();
      await stores.authorizations.bind(stateHash, 'browser', new Date());
      expect(await stores.authorizations.consume(stateHash, by('another'), new Date())).toBeUndefined();
      expect(await found(stateHash)).toMatchObject({ status: 'pending', browserHash: 'browser' });
      expect(await stores.authorizations.consume(stateHash, by('browser'), new Date())).toBeDefined();
    });

    test('the latest opener binds while the authorization is pending, and no opener after', async () => {
      const { stateHash } = await start();
      await stores.authorizations.bind(stateHash, 'first', new Date());
      await stores.authorizations.bind(stateHash, 'second', new Date());
      await stores.authorizations.consume(stateHash, by('second'), new Date());
      expect(await stores.authorizations.bind(stateHash, 'third', new Date())).toBeUndefined();
      expect((await found(stateHash))?.browserHash).toBe('second');
    });

    test('an expired authorization is neither bound nor consumed', async () => {
      const { stateHash, expiresAt } = await start({ browserHash: 'browser' });
      expect(await stores.authorizations.bind(stateHash, 'browser', expiresAt)).toBeUndefined();
      expect(await stores.authorizations.consume(stateHash, by('browser'), expiresAt)).toBeUndefined();
    });

    test('settling as testing keeps the verifier; the first end stays, without the verifier', async () => {
      const { stateHash, sealedVerifier } = await start();
      const details = someConnectedDetails({ refreshExpiresAt: new Date('2031-01-01T00:00:00Z') });
      const settle = (status: 'testing' | 'completed' | 'failed') =>
        stores.database.write('acme', ({ authorizations }) =>
          authorizations.settle(stateHash, {
            status,
            reason: status === 'failed' ? 'user_denied' : null,
            message: status,
            error: 'server_error',
            errorDescription: 'Try later.',
            account: { id: 'A', name: 'Ann' },
            details: status === 'completed' ? details : null,
          }),
        );
      await settle('testing');
      expect(await found(stateHash)).toMatchObject({ status: 'testing', sealedVerifier });
      await settle('completed');
      await settle('failed');
      expect(await found(stateHash)).toMatchObject({
        status: 'completed',
        statusReason: null,
        statusMessage: 'completed',
        error: 'server_error',
        errorDescription: 'Try later.',
        connectedAccountId: 'A',
        connectedAccountName: 'Ann',
        details,
        sealedVerifier: null,
      });
    });

    test('cancels the pending authorizations of one subject, or of every subject, and no others', async () => {
      const unnamed = await start();
      const ann = await start({ subject: 'ann' });
      const underWay = await start({ status: 'testing' });
      const expired = await start({ expiresAt: minutesFromNow(-1) });
      const other = await start({ organizationId: 'other' });
      const cancel = (subject: string | null | undefined) =>
        stores.database.write('acme', ({ authorizations }) =>
          authorizations.cancelPending(connection.id, subject, new Date()),
        );
      expect(await cancel(null)).toBe(1);
      expect(await found(unnamed.stateHash)).toMatchObject({
        status: 'cancelled',
        statusReason: 'authorization_cancelled',
        sealedVerifier: null,
      });
      expect((await found(ann.stateHash))?.status).toBe('pending');
      expect(await cancel(undefined)).toBe(1);
      expect((await found(ann.stateHash))?.status).toBe('cancelled');
      for (const { stateHash, status } of [underWay, expired, other]) {
        expect((await found(stateHash))?.status).toBe(status);
      }
    });

    test('a deleted connection leaves where to send the browsers of its open authorizations, and nothing else', async () => {
      const opened = { browserHash: 'browser', returnUrl: 'https://app.example/', clientState: 'cs' };
      const pending = await start({ ...opened, organizationId: 'other' });
      const underWay = await start({ ...opened, status: 'testing', returnUrl: null });
      const others = [await start(), await start({ ...opened, status: 'completed' })];
      const remove = (organizationId: string) =>
        stores.database.write(organizationId, ({ connections }) => connections.delete(connection.id));
      await remove('other');
      expect(await stores.authorizations.findDeleted(pending.stateHash)).toBeUndefined();
      await remove('acme');
      const kept = { ...opened, connectionName: connection.name, connectionOwner: 'acme' };
      expect(await stores.authorizations.findDeleted(pending.stateHash)).toEqual(kept);
      expect(await stores.authorizations.findDeleted(underWay.stateHash)).toEqual({ ...kept, returnUrl: null });
      for (const { stateHash } of others) {
        expect(await stores.authorizations.findDeleted(stateHash)).toBeUndefined();
      }
      for (const { stateHash } of [pending, underWay]) expect(await found(stateHash)).toBeUndefined();
    });

    test('an edit voids the pending authorizations of every organisation', async () => {
      const pending = [await start(), await start({ organizationId: 'other', subject: 'ann' })];
      const others = [await start({ status: 'testing' }), await start({ expiresAt: minutesFromNow(-1) })];
      expect(
        await stores.database.write('acme', ({ authorizations }) =>
          authorizations.voidAllOf(connection.id, new Date()),
        ),
      ).toBe(2);
      for (const { stateHash } of pending) {
        expect(await found(stateHash)).toMatchObject({
          status: 'failed',
          statusReason: 'configuration_changed',
          sealedVerifier: null,
        });
      }
      for (const { stateHash, status } of others) expect((await found(stateHash))?.status).toBe(status);
    });
  });
}
