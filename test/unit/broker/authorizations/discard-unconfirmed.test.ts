import { expect, test } from 'vitest';
import { actorOf, createMemoryBroker, newConnection, walkToCallback } from '../../../support/memory/broker.ts';

test('tokens that are not confirmed in time are forgotten, and their revocation is added once', async () => {
  const broker = createMemoryBroker();
  await broker.createConnection(actorOf('acme'), newConnection());
  const { hit } = await walkToCallback(broker, 'acme', {
    returnUrl: 'https://app.test',
    bindingChallenge: 'c'.repeat(43),
  });
  expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'awaiting_confirmation' });
  const { signal } = new AbortController();
  expect(await broker.discardUnconfirmed(signal)).toBe(0);
  const [authorization] = broker.rows.authorizations.values();
  if (!authorization?.waiting) throw new Error('nothing waits');
  const overdue = { ...authorization, waiting: { ...authorization.waiting, until: new Date(0) } };
  broker.rows.authorizations.set(authorization.stateHash, overdue);
  expect(await broker.discardUnconfirmed(signal)).toBe(1);
  expect(await broker.discardUnconfirmed(signal)).toBe(0);
  expect([...broker.rows.revocations.values()]).toMatchObject([
    { grant: { id: authorization.binding?.authorizationId, organizationId: 'acme' }, attempts: 0 },
  ]);
  expect([...broker.rows.authorizations.values()][0]?.waiting?.sealed).toBeNull();
  expect(broker.rows.grants.size).toBe(0);
});
