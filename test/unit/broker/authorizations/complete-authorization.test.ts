import { beforeEach, describe, expect, test } from 'vitest';
import type { CallbackHit } from '../../../../src/broker/authorizations/complete-authorization.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { aProviderFailure, aTokenResponse } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

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
    ['a code together with an error', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&error=x`) })],
    ['a token in the query', (hit) => ({ parameters: new URLSearchParams(`${hit.parameters}&access_token=x`) })],
    ['no state', () => ({ parameters: new URLSearchParams({ code: 'c' }) })],
    ['an unknown state', () => ({ parameters: new URLSearchParams({ code: 'c', state: 'unknown' }) })],
    ["another connection's path", () => ({ connectionName: 'other' })],
    ["another owner's path", () => ({ organizationId: 'acme' })],
    ['another browser', () => ({ browserIds: ['other', 'another'] })],
    ['no browser id', () => ({ browserIds: [] })],
  ];

  const unknownStates = cases.slice(0, 6).map(([name]) => name);

  test.each(cases)('a callback with %s consumes nothing and sends nothing', async (name, change) => {
    const { hit } = await walkToCallback(broker, 'acme');
    expect(await broker.completeAuthorization({ ...hit, ...change(hit) })).toMatchObject({ kind: 'refused' });
    expect(exchanges()).toBe(0);
    // A callback without a known state leaves no trace: anyone can send as many as they like.
    const details = callbacks().map((event) => event.details);
    expect(details).toEqual(
      !unknownStates.includes(name) ? [expect.objectContaining({ state_valid: false, final_status: 'refused' })] : [],
    );
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'settled', status: 'completed' });
  });

  test('a callback of a link that no browser opened is refused', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    for (const authorization of broker.rows.authorizations.values())
      broker.rows.authorizations.set(authorization.stateHash, { ...authorization, browserHash: null });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
  });

  test('a callback after the authorization has expired is refused', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.time.now = new Date(broker.time.now.getTime() + 900_000);
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      status: 'expired',
      statusReason: 'authorization_expired',
    });
  });

  test('a callback of another environment is refused with both public URLs', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.place.baseUrl = 'https://staging.test';
    const outcome = await broker.completeAuthorization(hit);
    const addresses = { started: 'https://broker.test', current: 'https://staging.test' };
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'other_environment', addresses });
  });

  test('a callback with a wrong iss fails the authorization, because its state is consumed', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    broker.oauth.script.callback = aProviderFailure({ class: 'refused', sent: false });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(exchanges()).toBe(0);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({
      status: 'failed',
      statusReason: 'exchange_failed',
    });
  });

  test('a callback replayed fifty times at once exchanges the code once', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => broker.completeAuthorization(hit)));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(outcomes[0]).toMatchObject({ kind: 'settled', status: 'completed' });
    expect(exchanges()).toBe(1);
    expect(callbacks()).toHaveLength(1);
  });
});

describe('an authorization that fails', () => {
  test.each<[string, string]>([
    ['access_denied', 'user_denied'],
    ['server_error', 'exchange_failed'],
  ])('an authorization that the provider ends with %s fails with %s', async (error, reason) => {
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

  test('a failed authorization leaves the working grant unchanged', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    const before = grants();
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.exchange = aProviderFailure({ class: 'reauthorization', oauthError: 'invalid_grant' });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'exchange_failed' });
    expect(grants()).toEqual(before);
  });

  test('tokens that fail the probe are discarded, not revoked', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.probe = { result: 'failed', message: 'no', responseTimeMs: 1, account: null, httpStatus: 401 };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'test_failed' });
    expect(grants()).toEqual([]);
    expect(broker.oauth.calls.map(({ name }) => name)).not.toContain('revoke');
    expect(callbacks().at(-1)?.details).toMatchObject({ exchange_success: true, test_result: 'failed' });
  });

  test('an authorization fails if the probe cannot be sent', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.probe = aProviderFailure({});
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'test_failed' });
  });

  test('an edit of the connection during the exchange stores no tokens', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.duringExchange = async () => {
      const apply = (current: Parameters<Parameters<MemoryBroker['editConnection']>[2]['apply']>[0]) => ({
        ...current,
        clientId: 'other',
      });
      await broker.editConnection(actorOf(null), 'crm', {
        apply,
        clientSecret: new Secret('s'),
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      });
    };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'configuration_changed' });
    expect(grants()).toEqual([]);
  });

  test('a deletion of the connection during the exchange stores no tokens', async () => {
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.duringExchange = async () => {
      await broker.deleteConnection(actorOf(null), 'crm', { confirmDisableWorkflows: false });
    };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'configuration_changed' });
    expect(grants()).toEqual([]);
  });

  test.each(['revoked', 'deleted'])('a grant that was %s during the exchange does not come back', async (how) => {
    const { id } = await broker.importGrant(acme, 'crm', importedTokens());
    const { hit } = await walkToCallback(broker, 'acme');
    broker.oauth.script.duringExchange = async () => {
      if (how === 'deleted') await broker.deleteGrant(acme, 'crm', id);
      else await broker.revokeGrants(acme, 'crm', { subject: null, accountId: null, reason: null });
    };
    expect(await broker.completeAuthorization(hit)).toMatchObject({ statusReason: 'revoked' });
    expect(tokens().filter((held) => held !== null)).toEqual([]);
  });
});

test('an internal error fails the authorization and is rethrown', async () => {
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

describe('an authorization that completes', () => {
  test("the grant belongs to the organisation that started the authorization, not to the connection's owner", async () => {
    const { hit, state } = await walkToCallback(broker, 'acme', { subject: 'ada' });
    broker.oauth.script.exchange = aTokenResponse('at-1', 'rt-1', 'U1');
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed', account: { id: 'U1' } });
    expect(grants()).toMatchObject([{ organizationId: 'acme', subject: 'ada', accountId: 'U1', status: 'completed' }]);
    expect(grants()[0]?.metadata).toMatchObject({ scopes: ['read'], refreshable: true, lifetimeSeconds: 3600 });
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'completed', accountId: 'U1' });
    expect(callbacks().at(-1)).toMatchObject({ organizationId: 'acme', outcome: 'success' });
  });

  test('an authorization after a revocation connects the grant again', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    await broker.revokeGrants(acme, 'crm', { subject: null, accountId: null, reason: null });
    const { hit } = await walkToCallback(broker, 'acme');
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed' });
    expect(grants()).toMatchObject([{ status: 'completed', revokedAt: null }]);
  });

  test('an earlier refresh token is kept only for the same, known account', async () => {
    await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    broker.oauth.script.exchange = aTokenResponse('at-2', null, 'U1');
    await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(tokens()[0]?.refreshToken?.reveal()).toBe('imported-rt');

    broker.oauth.script.exchange = aTokenResponse('at-3', null);
    await broker.completeAuthorization((await walkToCallback(broker, 'acme', { allowAccountChange: true })).hit);
    expect(tokens()[0]?.refreshToken).toBeNull();
  });

  test('another account than that of the grant is refused, unless the caller allows the change', async () => {
    await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    broker.oauth.script.exchange = aTokenResponse('at-2', 'rt-2', 'U2');
    const refused = await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(refused).toMatchObject({ statusReason: 'account_mismatch' });
    expect(tokens()[0]?.accessToken.reveal()).toBe('imported-at');

    const { hit } = await walkToCallback(broker, 'acme', { allowAccountChange: true });
    expect(await broker.completeAuthorization(hit)).toMatchObject({ status: 'completed' });
    expect(grants()).toMatchObject([{ accountId: 'U2' }]);
  });

  test('another account than the one named is refused, also if only the probe reports it', async () => {
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

  test.each([
    ['names no account', aTokenResponse('at', 'rt')],
    ['leaves it to the query of the callback', named('U1', { isFromCallback: true })],
  ])('an expected account is a mismatch if the provider %s', async (_name, response) => {
    broker.oauth.script.exchange = response;
    const ask = (start: Parameters<typeof walkToCallback>[2]) => walkToCallback(broker, 'acme', start);
    const byCaller = await broker.completeAuthorization((await ask({ accountId: 'U1' })).hit);
    expect(byCaller).toMatchObject({ statusReason: 'account_mismatch' });
    expect(grants()).toEqual([]);
    await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    const byGrant = await broker.completeAuthorization((await ask({})).hit);
    expect(byGrant).toMatchObject({ statusReason: 'account_mismatch' });
    expect(tokens()[0]?.accessToken.reveal()).toBe('imported-at');
    const allowed = await broker.completeAuthorization((await ask({ allowAccountChange: true })).hit);
    expect(allowed).toMatchObject({ status: 'completed' });
  });

  test('a probe confirms, or corrects, the account of the callback', async () => {
    broker.oauth.script.exchange = named('U1', { isFromCallback: true });
    const account = { id: 'U1', name: 'Ada' };
    const probe = { result: 'success', message: 'ok', responseTimeMs: 1, account, httpStatus: 200 } as const;
    broker.oauth.script.probe = probe;
    const first = await broker.completeAuthorization((await walkToCallback(broker, 'acme', { accountId: 'U1' })).hit);
    expect(first).toMatchObject({ status: 'completed', account });
    broker.oauth.script.probe = { ...probe, account: { id: 'U2', name: null } };
    const second = await broker.completeAuthorization((await walkToCallback(broker, 'acme')).hit);
    expect(second).toMatchObject({ statusReason: 'account_mismatch' });
  });
});

function named(id: string, account: { isFromCallback?: boolean }) {
  return { ...aTokenResponse('at', 'rt'), account: { id, name: null, ...account } };
}
