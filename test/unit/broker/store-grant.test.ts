import { expect, test } from 'vitest';
import { createStoreGrant } from '../../../src/broker/store-grant.ts';
import type { Grant } from '../../../src/domain/grant.ts';
import type { GrantWriter } from '../../../src/domain/ports/stores.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { actorOf, createMemoryBroker, importedTokens, newConnection } from '../../support/memory-broker.ts';
import { createMemoryCipher } from '../../support/memory-cipher.ts';

const facts = {
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
  const id = await broker.database.write(null, ({ grants }) =>
    storeGrant(storesOf(grants), {
      organizationId: null,
      slot: { connectionId: connection.id, subject: null, accountId: null },
      multiAccount: false,
      accountName: null,
      requestedScopes: [],
      testedAt: null,
      now: new Date(0),
      arrive: (held) => {
        seen.push(held);
        return {
          tokens: { accessToken: new Secret('arrived'), refreshToken: null, tokenType: 'Bearer', extra: {} },
          facts,
        };
      },
    }),
  );
  return { broker, seen, id };
}

test('a slot filled by another between the look and the insert is decided anew, on the row that is there', async () => {
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
  // Sealed for the row it ended up in: elsewhere it would not open.
  expect(stored && broker.tokensOf(stored)?.accessToken.reveal()).toBe('arrived');
});

test('a slot that never holds still is given up, not fought over for ever', async () => {
  await expect(arriveInto((grants) => ({ ...grants, insert: async () => false }))).rejects.toMatchObject({
    code: 'service_unavailable',
  });
});

test('a second arrival into a filled slot is the same grant', async () => {
  const broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
  const first = await broker.importGrant(actorOf(null), 'crm', importedTokens());
  const second = await broker.importGrant(actorOf(null), 'crm', importedTokens());
  expect(second.id).toBe(first.id);
});
