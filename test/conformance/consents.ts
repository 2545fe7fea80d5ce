import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import type { NewConsent } from '../../src/domain/grants/consent.ts';
import { maxConsentsListed } from '../../src/domain/ports/audit.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

export function describeConsents(open: OpenStores): void {
  describe('Consents', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection(null, `consents-${++sequence}`));
    });

    const at = (minute: number) => new Date(Date.UTC(2030, 0, 1, 0, minute));
    const aConsent = (grantId: string, minute: number, over: Partial<NewConsent> = {}): NewConsent => ({
      id: randomUUID(),
      grantId,
      connectionId: connection.id,
      connectionName: connection.name,
      subject: 'ann',
      accountId: 'A',
      accountName: 'Ann',
      scopes: ['read'],
      how: 'authorization',
      actor: 'api_key:1',
      address: '192.0.2.1',
      at: at(minute),
      ...over,
    });
    const begin = async (consent: NewConsent, organizationId: string | null = 'acme') => {
      await stores.database.write(organizationId, ({ consents }) => consents.begin(consent));
      return consent;
    };

    test('a consent that begins ends the present one of its grant as replaced, and no other', async () => {
      const [grantId, other] = [randomUUID(), randomUUID()];
      const first = await begin(aConsent(grantId, 1));
      const bystander = await begin(aConsent(other, 1));
      const second = await begin(
        aConsent(grantId, 2, { how: 'import', actor: 'api_key:2', scopes: ['read', 'write'] }),
      );
      expect(await stores.consents.listOfGrant(grantId)).toEqual([
        { ...second, organizationId: 'acme', end: null },
        {
          ...first,
          organizationId: 'acme',
          end: { at: at(2), by: 'replaced', actor: 'api_key:2', replacedBy: second.id },
        },
      ]);
      expect(await stores.consents.listOfGrant(other)).toEqual([{ ...bystander, organizationId: 'acme', end: null }]);
    });

    test.each(['revoked', 'deleted', 'disconnected'] as const)('the first end of a consent stays: %s', async (by) => {
      const grantId = randomUUID();
      await begin(aConsent(grantId, 1));
      for (const minute of [2, 3]) {
        await stores.database.write('acme', ({ consents }) =>
          consents.end(grantId, { by, actor: 'api_key:2', at: at(minute) }),
        );
      }
      expect(await stores.consents.listOfGrant(grantId)).toMatchObject([
        { end: { at: at(2), by, actor: 'api_key:2', replacedBy: null } },
      ]);
    });

    test('another organisation ends no consent', async () => {
      const grantId = randomUUID();
      await begin(aConsent(grantId, 1));
      const ending = { by: 'deleted', actor: 'api_key:2', at: at(2) } as const;
      for (const organizationId of ['other', null]) {
        await stores.database.write(organizationId, ({ consents }) => consents.end(grantId, ending));
      }
      await stores.database.write('acme', ({ consents }) => consents.endAllOf(connection.id, ending));
      expect(await stores.consents.listOfGrant(grantId)).toMatchObject([{ end: null }]);
    });

    test('the owner of a connection ends the consents of every organisation below it, and those of no other', async () => {
      const [one, two, elsewhere] = [randomUUID(), randomUUID(), randomUUID()];
      const otherConnection = await storeConnection(stores, aConnection(null, `consents-other-${sequence}`));
      await begin(aConsent(one, 1));
      await begin(aConsent(two, 1), 'other');
      await begin(aConsent(elsewhere, 1, { connectionId: otherConnection.id }));
      await stores.database.write(null, ({ consents }) =>
        consents.endAllOf(connection.id, { by: 'deleted', actor: 'bootstrap', at: at(2) }),
      );
      for (const grantId of [one, two]) {
        expect(await stores.consents.listOfGrant(grantId)).toMatchObject([{ end: { by: 'deleted', at: at(2) } }]);
      }
      expect(await stores.consents.listOfGrant(elsewhere)).toMatchObject([{ end: null }]);
    });

    test('the newest consents of a grant are listed, up to the limit', async () => {
      const grantId = randomUUID();
      for (let minute = 0; minute <= maxConsentsListed; minute++) await begin(aConsent(grantId, minute));
      const listed = await stores.consents.listOfGrant(grantId);
      expect(listed.map((consent) => consent.at)).toEqual(
        Array.from({ length: maxConsentsListed }, (_, n) => at(maxConsentsListed - n)),
      );
    });

    test('the consents of an unknown grant are none', async () => {
      expect(await stores.consents.listOfGrant(randomUUID())).toEqual([]);
      expect(await stores.consents.listOfGrant('no-id')).toEqual([]);
    });
  });
}
