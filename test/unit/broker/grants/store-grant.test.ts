import { expect, test } from 'vitest';
import { createStoreGrant } from '../../../../src/broker/grants/store-grant.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { GrantWriter } from '../../../../src/domain/ports/grants.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { actorOf, createMemoryBroker, importedTokens, newConnection } from '../../../support/memory/broker.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const metadata = {
  expiresAt: null,
  refreshExpiresAt: null,
  obtainedAt: new Date(0),
  lifetimeSeconds: null,
  refreshable: false,
  scopes: [],
};

async function arriveInto(storesOf: (grants: GrantWriter) => GrantWriter) {
  const broker = createMemoryBroker();
  const { connection } = await broker.createConnection(actorOf(null), newConnection());
  const seen: (Grant | undefined)[] = [];
  const storeGrant = createStoreGrant({ cipher: createMemoryCipher(), newId: () => 'new-id' });
  const id = await broker.database.write(null, ({ grants, consents }) =>
    storeGrant(
      { grants: storesOf(grants), consents },
      {
        organizationId: null,
        consent: { connectionName: 'crm', how: 'import', actor: 'bootstrap', address: null },
        slot: { connectionId: connection.id, subject: null, accountId: null },
        multiAccount: false,
        accountName: null,
        accountVerified: false,
        requestedScopes: [],
        testedAt: null,
        now: new Date(0),
        arrive: (held) => {
          seen.push(held);
          return {
            tokens: { accessToken: new Secret('arrived'), refreshToken: null, tokenType: 'Bearer', extra: {} },
            metadata,
            origins: { testUrl: null, revocationUrl: null },
          };
        },
      },
    ),
  );
  return { broker, seen, id };
}

test('a slot that another transaction fills before the insert is decided again on its row', async () => {
  const { broker, seen, id } = await arriveInto((grants) => {
    let isFirst = true;
    return {
      ...grants,
      insert: async (ownId, arrival) => {
        if (isFirst) await grants.insert('winner', arrival);
        isFirst = false;
        return grants.insert(ownId, arrival);
      },
    };
  });
  expect(id).toBe('winner');
  expect(seen.map((held) => held?.id)).toEqual([undefined, 'winner']);
  const stored = broker.rows.grants.get('winner');
  expect(stored?.version).toBe(2);
  // The tokens are sealed for the row that holds them and open only there.
  expect(stored && broker.tokensOf(stored)?.accessToken.reveal()).toBe('arrived');
});

test('a slot that other transactions keep changing is refused after a few tries', async () => {
  await expect(arriveInto((grants) => ({ ...grants, insert: async () => false }))).rejects.toMatchObject({
    code: 'service_unavailable',
  });
});

test('a second token set in a filled slot keeps the grant', async () => {
  const broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
  const first = await broker.importGrant(actorOf(null), 'crm', importedTokens());
  const second = await broker.importGrant(actorOf(null), 'crm', importedTokens());
  expect(second.id).toBe(first.id);
});
