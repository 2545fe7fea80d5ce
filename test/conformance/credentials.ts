import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection, ConnectionSettings, OrganizationId } from '../../src/domain/connections/connection.ts';
import type { CredentialQuery } from '../../src/domain/grants/credential.ts';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

export function describeCredentials(open: OpenStores): void {
  describe.each(['find', 'findStored'] as const)('CredentialLookup, %s', (method) => {
    let stores: OpenedStores;
    let name: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(() => {
      name = `lookup-${method}-${++sequence}`;
    });

    const find = (organizationId: OrganizationId, query: Partial<CredentialQuery> = {}) =>
      stores.credentials[method]({ organizationId, connectionName: name, subject: null, accountId: null, ...query });
    const idsFor = async (organizationId: OrganizationId, query: Partial<CredentialQuery> = {}) =>
      (await find(organizationId, query))?.grants.map(({ id }) => id).sort();
    const store = (organizationId: OrganizationId, settings: Partial<ConnectionSettings> = {}): Promise<Connection> =>
      storeConnection(stores, aConnection(organizationId, name, settings));

    test('finds no connection of another organisation', async () => {
      await store('other');
      expect(await find('acme')).toBeUndefined();
      expect(await find(null)).toBeUndefined();
    });

    test('finds the own connection before the global one, even if nothing is connected', async () => {
      const global = await store(null);
      await storeGrant(stores, null, global);
      const own = await store('acme');
      expect(await find('acme')).toMatchObject({ connectionId: own.id, organizationId: 'acme', grants: [] });
    });

    test('finds a grant as it was stored', async () => {
      const connection = await store('acme');
      const tokens = tokensUntil(minutesFromNow(60), { scopes: ['a', 'b,"c"'], refreshExpiresAt: minutesFromNow(900) });
      const id = await storeGrant(stores, 'acme', connection, { tokens });
      expect(await find('acme')).toEqual({
        connectionId: connection.id,
        connectionName: name,
        organizationId: 'acme',
        flow: 'authorization_code',
        provider: connection.settings.provider,
        grants: [
          {
            id,
            connectionId: connection.id,
            organizationId: 'acme',
            subject: null,
            accountId: null,
            status: 'completed',
            statusReason: null,
            statusMessage: null,
            sealedTokens: tokens.sealed,
            metadata: tokens.metadata,
            longestLifetimeSeconds: 3600,
            reportedVersion: null,
            version: 1,
            retryAt: null,
            refreshStartedAt: null,
          },
        ],
      });
    });

    test('an organisation finds its own grant of a global connection before the shared one', async () => {
      const global = await store(null);
      const shared = await storeGrant(stores, null, global);
      expect(await idsFor('other')).toEqual([shared]);
      expect(await idsFor(null)).toEqual([shared]);
      const own = await storeGrant(stores, 'acme', global);
      expect(await idsFor('acme')).toEqual([own]);
      expect(await idsFor('other')).toEqual([shared]);
    });

    test('a revoked grant of its own hides the shared one from an organisation', async () => {
      const global = await store(null);
      await storeGrant(stores, null, global);
      const own = await storeGrant(stores, 'acme', global);
      await stores.database.write('acme', ({ grants }) =>
        grants.revoke(own, { by: 'a', reason: null, now: new Date() }),
      );
      expect((await find('acme'))?.grants).toMatchObject([
        { id: own, status: 'failed', statusReason: 'revoked', metadata: null },
      ]);
    });

    test('an organisation that deleted its grant finds the shared one', async () => {
      const global = await store(null);
      const shared = await storeGrant(stores, null, global);
      const own = await storeGrant(stores, 'acme', global);
      await stores.database.write('acme', ({ grants }) => grants.delete(own));
      expect(await idsFor('acme')).toEqual([shared]);
    });

    test('a shared grant serves queries without a subject only', async () => {
      const global = await store(null);
      const shared = await storeGrant(stores, null, global);
      await storeGrant(stores, null, global, { subject: 'ann' });
      expect(await idsFor('acme')).toEqual([shared]);
      expect(await idsFor('acme', { subject: 'ann' })).toEqual([]);
    });

    test('a grant that is not shared serves the global scope only', async () => {
      const global = await store(null, { shareWithOrganizations: false });
      const grant = await storeGrant(stores, null, global);
      expect(await idsFor('acme')).toEqual([]);
      expect(await idsFor(null)).toEqual([grant]);
    });

    test('never finds a grant of another subject or another organisation', async () => {
      const global = await store(null);
      const ann = await storeGrant(stores, 'acme', global, { subject: 'ann' });
      await storeGrant(stores, 'acme', global, { subject: 'bob' });
      await storeGrant(stores, 'other', global, { subject: 'ann' });
      expect(await idsFor('acme', { subject: 'ann' })).toEqual([ann]);
      expect(await idsFor('acme', { subject: 'eve' })).toEqual([]);
      expect(await idsFor('acme')).toEqual([]);
    });

    test('finds every account if the query names none, otherwise that account', async () => {
      const own = await store('acme', { multiAccount: true });
      const first = await storeGrant(stores, 'acme', own, { accountId: 'T1' });
      const second = await storeGrant(stores, 'acme', own, { accountId: 'T2' });
      expect(await idsFor('acme')).toEqual([first, second].sort());
      expect(await idsFor('acme', { accountId: 'T2' })).toEqual([second]);
      expect(await idsFor('acme', { accountId: 'T3' })).toEqual([]);
    });

    test('a query with an account finds no grant that a query without one does not find', async () => {
      const global = await store(null, { multiAccount: true });
      const shared = await storeGrant(stores, null, global, { accountId: 'T1' });
      expect(await idsFor('other', { accountId: 'T1' })).toEqual([shared]);
      const own = await storeGrant(stores, 'acme', global, { accountId: 'T2' });
      expect(await idsFor('acme')).toEqual([own]);
      expect(await idsFor('acme', { accountId: 'T1' })).toEqual([]);
    });
  });
}
