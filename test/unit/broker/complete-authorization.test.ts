import { beforeEach, describe, expect, test } from 'vitest';
import type { CallbackHit } from '../../../src/broker/complete-authorization.ts';
import { Secret } from '../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../support/memory-broker.ts';
import { answerOf, failureOf } from '../../support/scripted-gateway.ts';

const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
});

const exchanges = () => broker.oauth.calls.filter(({ name }) => name === 'exchangeCode').length;
const grants = () => [...broker.rows.grants.values()];
const tokens = () => grants().map((grant) => broker.tokensOf(grant));
const callbacks = () => broker.rows.audit.filter(({ action }) => action === 'authorization.callback');

describe('a callback that is refused', () => {
  const cases: [string, (hit: CallbackHit) => Partial<CallbackHit>][] = [
    ['a repeated state', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&state=other`) })],
    ['a repeated parameter', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&code=other`) })],
    ['code and error at once', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&error=x`) })],
    ['a token in the query', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&access_token=x`) })],
    ['no state', () => ({ parameters: new URLSearchParams({ code: 'c' }) })],
    ['an unknown state', () => ({ parameters: new URLSearchParams({ code: 'c', state: 'unknown' }) })],
    ["another connection's path", () => ({ connectionName: 'other' })],
    ["another owner's path", () => ({ organizationId: 'acme' })],
    ['another browser', () => ({ browserId: 'other' })],
    ['no browser id', () => ({ browserId: null })],
  ];

  test.each(cases)('for %s consumes nothing and sends nothing', async (_name, change) => {
    const { hit } = await walkToCallback(broker, 'acme');
    expect(await broker.completeAuthorization({ ...hit, ...change(hit) })).toMatchObject({ kind: 'refused' });
    expect(exchanges()).toBe(0);
    expect(callbacks().at(-1)?.details).toMatchObject({ state_valid: false, final_status: 'refused' });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'settled', status: 'completed' });
  });

  test('for a link nobody opened', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    for (const trip of broker.rows.trips.values())
      broker.rows.trips.set(trip.stateHash, { ...trip, browserHash: null });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
  });

  test('for a trip past its time', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.time.now = new Date(broker.time.now.getTime() + 900_000);
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      status: 'expired',
      statusReason: 'authorization_expired',
    });
  });

  test('for a trip begun under another public URL, naming both', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.place.baseUrl = 'https://staging.test';
    const outcome = await broker.completeAuthorization(hit);
    expect(outcome).toMatchObject({ kind: 'refused' });
    expect(outcome.message).toContain('https://broker.test');
    expect(outcome.message).toContain('https://staging.test');
  });

  test('for a wrong iss ends the trip, since the state was spent', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.oauth.script.callback = failureOf({ class: 'refused', sent: false });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(exchanges()).toBe(0);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      status: 'failed',
      statusReason: 'exchange_failed',
    });
  });

  test('when replayed, fifty times at once: one exchange', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => broker.completeAuthorization(hit)));
    expect(outcomes.filter(({ kind }) => kind === 'settled')).toHaveLength(1);
    expect(exchanges()).toBe(1);
  });
});

describe('a trip that fails', () => {
  test.each<[string, string]>([
    ['access_denied', 'user_denied'],
    ['server_error', 'exchange_failed'],
  ])('because the provider answered %s says %s', async (error, reason) => {
    const { hit, state } = await walkToCallback(broker, 'acme', { returnUrl: 'https://app.test/done' });
    broker.oauth.script.callback = { kind: 'error', error };
    expect(await broker.completeAuthorization(hit)).toMatchObject({
      kind: 'settled',
      status: 'failed',
      statusReason: reason,
      returnUrl: 'https://app.test/done',
    });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'failed', statusReason: reason });
    expect(grants()).toEqual([]);
  });

  test('leaves the working grant as it was', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    const before = grants();
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.exchange = failureOf({ class: 'reauthorization', oauthError: 'invalid_grant' });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'exchange_failed' });
    expect(grants()).toEqual(before);
  });

  test('at the test call has its tokens discarded, not revoked', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.probe = { result: 'failed', message: 'no', responseTimeMs: 1, account: null, httpStatus: 401 };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'test_failed' });
    expect(grants()).toEqual([]);
    expect(broker.oauth.calls.map(({ name }) => name)).not.toContain('revoke');
    expect(callbacks().at(-1)?.details).toMatchObject({ exchange_success: true, test_result: 'failed' });
  });

  test('because the test call could not be made is failed, too', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.probe = failureOf({});
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'test_failed' });
  });

  test('because the connection was edited during the exchange stores nothing', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.duringExchange = async () => {
      const apply = (current: Parameters<Parameters<MemoryBroker['editConnection']>[2]['apply']>[0]) => ({
        ...current,
        clientId: 'other',
      });
      await broker.editConnection(actorOf(null), 'crm', { apply, clientSecret: new Secret('s'), ifMatch: undefined });
    };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'configuration_changed' });
    expect(grants()).toEqual([]);
  });

  test('because the connection was deleted during the exchange stores nothing', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.duringExchange = async () => {
      await broker.deleteConnection(actorOf(null), 'crm', { confirmDisableWorkflows: false });
    };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'configuration_changed' });
    expect(grants()).toEqual([]);
  });

  test.each(['revoked', 'deleted'])(
    'because the grant was %s during the exchange does not bring it back',
    async (how) => {
      const { id } = await broker.importGrant(acme, 'crm', importedTokens());
      const { hit } = await walkToCallback(broker, 'acme');
      broker.oauth.script.duringExchange = async () => {
        if (how === 'deleted') await broker.deleteGrant(acme, 'crm', id);
        else await broker.revokeGrants(acme, 'crm', { subject: null, accountId: null, reason: null });
      };
      expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'revoked' });
      expect(tokens().filter((held) => held !== null)).toEqual([]);
    },
  );
});

test('a fault of our own ends the trip too, and is not hidden', async () => {
  const { hit, state } = await walkToCallback(broker, 'acme');
  broker.oauth.script.duringExchange = async () => {
    throw new Error('broken');
  };
  await expect(broker.completeAuthorization(hit)).rejects.toThrow('broken');
  expect(await broker.getAuthorization(acme, state)).toMatchObject({
    status: 'failed',
    statusReason: 'exchange_failed',
  });
});

describe('a trip that completes', () => {
  test("stores the grant of the organisation that started it, not of the connection's owner", async () => {
    const { hit, state } = await walkToCallback(broker, 'acme', { subject: 'ada' });
    broker.oauth.script.exchange = answerOf('at-1', 'rt-1', 'U1');
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed', account: { id: 'U1' } });
    expect(grants()).toMatchObject([{ organizationId: 'acme', subject: 'ada', accountId: 'U1', status: 'completed' }]);
    expect(grants()[0]?.facts).toMatchObject({ scopes: ['read'], refreshable: true, lifetimeSeconds: 3600 });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'completed', accountId: 'U1' });
    expect(callbacks().at(-1)).toMatchObject({ organizationId: 'acme', outcome: 'success' });
  });

  test('after a revocation connects again', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    await broker.revokeGrants(acme, 'crm', { subject: null, accountId: null, reason: null });
    const { hit } = await walkToCallback(broker, 'acme');
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed' });
    expect(grants()).toMatchObject([{ status: 'completed', revokedAt: null }]);
  });

  test('keeps an earlier refresh token only for the same, known account', async () => {
    await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    broker.oauth.script.exchange = answerOf('at-2', null, 'U1');
    await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(tokens()[0]?.refreshToken?.reveal()).toBe('imported-rt');

    broker.oauth.script.exchange = answerOf('at-3', null);
    await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(tokens()[0]?.refreshToken).toBeNull();
  });

  test('at another account than the one held is refused, unless the caller allowed it', async () => {
    await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    broker.oauth.script.exchange = answerOf('at-2', 'rt-2', 'U2');
    const refused = await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(refused).toMatchObject({ statusReason: 'account_mismatch' });
    expect(tokens()[0]?.accessToken.reveal()).toBe('imported-at');

    const { hit } = await walkToCallback(broker, 'acme', { allowAccountChange: true });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed' });
    expect(grants()).toMatchObject([{ accountId: 'U2' }]);
  });

  test('at another account than the one named is refused, the account told by the test call included', async () => {
    broker.oauth.script.probe = {
      result: 'success',
      message: 'ok',
      responseTimeMs: 1,
      account: { id: 'U2', name: 'Grace' },
      httpStatus: 200,
    };
    const { hit } = await walkToCallback(broker, 'acme', { accountId: 'U1' });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'account_mismatch' });
    expect(grants()).toEqual([]);
  });
});
