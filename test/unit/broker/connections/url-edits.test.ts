import { beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionEdit } from '../../../../src/broker/connections/edit-connection.ts';
import type { ConnectionSettings } from '../../../../src/domain/connections/connection.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { aTokenResponse } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const acme = actorOf('acme');
const urls = (host: string) => ({ testUrl: `https://${host}.test/me`, revocationUrl: `https://${host}.test/revoke` });
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  const { oauth } = broker;
  oauth.script.probe = { result: 'success', message: 'ok', responseTimeMs: 1, account: null, httpStatus: 200 };
  await broker.createConnection(acme, newConnection(urls('a')));
  await broker.importGrant(acme, 'crm', importedTokens());
});

function edit(change: Partial<ConnectionSettings>, clientSecret?: Secret, rest: Partial<ConnectionEdit> = {}) {
  const apply = (current: ConnectionSettings) => ({ ...current, ...change });
  const asked = { apply, clientSecret, ifMatch: undefined, isApplied: false, confirmDisconnect: false, ...rest };
  return broker.editConnection(acme, 'crm', asked);
}

const selector = { subject: null, accountId: null };
const isTested = async () => (await broker.testConnection(acme, 'crm', selector)).testResult === 'success';
async function isRevoked() {
  const [revoked] = await broker.revokeGrants(acme, 'crm', { ...selector, reason: null });
  return revoked?.revokedAtProvider;
}
const secretsOfRevocation = () =>
  broker.oauth.calls
    .filter(({ name }) => name === 'revoke')
    .at(-1)
    ?.client.secrets.map((secret) => secret.reveal());

describe('an edit of test_url and revocation_url', () => {
  type Step = Partial<ConnectionSettings>;
  const b = urls('b');
  const none = { testUrl: null, revocationUrl: null };
  test.each<[text: string, steps: Step[], isSent: boolean]>([
    ['no edit', [], true],
    ['the same host', [{ testUrl: 'https://a.test/other', revocationUrl: 'https://A.test:443/other' }], true],
    ['another host', [b], false],
    ['another port', [{ testUrl: 'https://a.test:8443/me', revocationUrl: 'https://a.test:8443/r' }], false],
    ['another scheme', [{ testUrl: 'http://a.test/me', revocationUrl: 'http://a.test/r' }], false],
    ['another host, twice', [b, { testUrl: 'https://b.test/x', revocationUrl: 'https://b.test/x' }], false],
    ['another host by way of null', [none, b], false],
    ['two hosts', [b, urls('c')], false],
    ['another host and back', [b, urls('a')], true],
  ])('%s: existing tokens are kept, and sent only where they may go', async (_, steps, isSent) => {
    for (const step of steps) await edit(step);
    const before = broker.oauth.calls.length;
    expect(
      await broker.getCredential(acme, {
        connectionName: 'crm',
        ...selector,
        minTtlSeconds: 0,
        requiredScopes: [],
        workflow: null,
      }),
    ).toMatchObject({ status: 'completed' });
    expect(await isTested()).toBe(isSent);
    expect(await isRevoked()).toBe(isSent);
    expect(broker.oauth.calls.length - before).toBe(isSent ? 2 : 0);
    expect([...broker.rows.grants.values()]).toMatchObject([{ statusReason: 'revoked', sealedTokens: null }]);
  });

  test('null: the URL of the template is used from then on', async () => {
    await edit(none);
    expect(await isTested()).toBe(true);
  });

  test('a test that is skipped says why and leaves the health as it is', async () => {
    await isTested();
    await edit(b);
    const report = await broker.testConnection(acme, 'crm', selector);
    expect(report).toMatchObject({ testResult: 'skipped', message: expect.stringContaining('moved to another host') });
    expect([...broker.rows.grants.values()]).toMatchObject([{ health: 'healthy' }]);
  });

  test('a refreshed grant keeps counting as old', async () => {
    await edit(b);
    await broker.refreshOnDemand(acme, 'crm', selector);
    expect([await isTested(), await isRevoked()]).toEqual([false, false]);
  });

  test('a grant imported later uses the new URLs', async () => {
    await edit(b);
    await broker.importGrant(acme, 'crm', importedTokens());
    expect([await isTested(), await isRevoked()]).toEqual([true, true]);
  });

  test('a grant authorized later uses the new URLs, except for a refresh token that it keeps', async () => {
    for (const [refreshToken, isSent] of [
      ['rt-new', true],
      [null, false],
    ] as const) {
      await edit(urls('a'));
      await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'T1' }));
      await edit(b);
      const account = { id: 'T1', name: null, isFromCallback: false };
      broker.oauth.script.exchange = { ...aTokenResponse('at-new', refreshToken), account };
      await broker.completeAuthorization((await walkToCallback(broker, 'acme', { allowAccountChange: true })).hit);
      expect([await isTested(), await isRevoked()]).toEqual([true, isSent]);
    }
  });

  test('an edit while the code is exchanged leaves the grant with the URLs of before', async () => {
    broker.oauth.script.duringExchange = async () => void (await edit(b));
    await broker.completeAuthorization((await walkToCallback(broker, 'acme', { allowAccountChange: true })).hit);
    expect([await isTested(), await isRevoked()]).toEqual([false, false]);
  });

  test('deleting the connection sends old tokens to no new host', async () => {
    await edit(b);
    await broker.deleteConnection(acme, 'crm', { confirmDisableWorkflows: false });
    expect(broker.oauth.calls).toEqual([]);
  });

  test('pending authorizations stay valid', async () => {
    const { state } = await walkToCallback(broker, 'acme');
    await edit(b);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'pending' });
  });
});

describe('the client secret and a moved revocation URL', () => {
  const later = () => broker.importGrant(acme, 'crm', importedTokens());

  test('a revocation at the new host carries no secret that was written before the move', async () => {
    await edit(urls('b'));
    await later();
    expect(await isRevoked()).toBe(true);
    expect(secretsOfRevocation()).toEqual([]);
    expect(broker.oauth.calls.at(-1)?.client.settings.tokenAuthMethod).toBe('none');
  });

  test.each(['client-secret', 'new'])(
    'the secret %s sent with or after the move is used, and no older one',
    async (value) => {
      await edit(urls('b'));
      await edit({}, new Secret(value));
      await later();
      await isRevoked();
      expect(secretsOfRevocation()).toEqual([value]);
      await edit(urls('c'), new Secret('third'));
      await later();
      await isRevoked();
      expect(secretsOfRevocation()).toEqual(['third']);
    },
  );
});

describe('a client_credentials connection whose test URL moved', () => {
  const robot = (change: Partial<ConnectionSettings>, clientSecret?: Secret) => edit({ ...change }, clientSecret);
  beforeEach(async () => {
    await broker.deleteConnection(acme, 'crm', { confirmDisableWorkflows: false });
    await broker.createConnection(acme, newConnection({ flow: 'client_credentials', ...urls('a') }));
  });

  test.each<[string, () => Promise<unknown>]>([
    ['refreshed', () => broker.refreshOnDemand(acme, 'crm', selector)],
    ['obtained for other scopes', () => robot({ scopes: ['other'] })],
  ])('a token %s without the secret is not sent to the new host', async (_, renew) => {
    expect(await isTested()).toBe(true);
    await robot(urls('b'));
    await renew();
    expect([await isTested(), await isRevoked()]).toEqual([false, false]);
  });

  test('the secret in the same request obtains a token that may be sent there', async () => {
    await robot(urls('b'), new Secret('client-secret'));
    expect([await isTested(), await isRevoked()]).toEqual([true, true]);
  });
});
