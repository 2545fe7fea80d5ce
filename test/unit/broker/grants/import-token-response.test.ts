import { beforeEach, describe, expect, test } from 'vitest';
import { isDue } from '../../../../src/domain/grants/refresh-policy.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { aProviderFailure, aTokenResponse } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';

const acme = actorOf('acme');
const hour = 3_600_000;
let broker: MemoryBroker;
const fromNow = (ms: number) => new Date(broker.time.now.getTime() + ms);

type Named = Partial<Parameters<typeof importedTokens>[0]> & { receivedAt?: Date };

/** Imports a raw token response below a connection of this provider. */
async function importResponse(body: unknown, { receivedAt, ...named }: Named = {}, provider = 'generic') {
  const name = `c-${broker.rows.connections.size}`;
  await broker.createConnection(acme, newConnection({ provider, scopes: ['email', 'drive'] }, { name }));
  const tokenResponse = { body: new Secret(JSON.stringify(body)), receivedAt: receivedAt ?? null };
  const none = { accessToken: null, refreshToken: null, expiresAt: null };
  const grant = await broker.importGrant(acme, name, importedTokens({ ...none, ...named, tokenResponse }));
  return { grant, name, tokens: broker.tokensOf(grant) };
}

const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

beforeEach(() => {
  broker = createMemoryBroker();
});

describe('importing a raw token response', () => {
  test('tokens, lifetimes, scopes and captured values are stored as a response of the provider is', async () => {
    const body = {
      ok: true,
      access_token: 'bot',
      refresh_token: 'r',
      expires_in: 43_200,
      scope: 'email,drive',
      team: { id: 'T1', name: 'Team' },
      authed_user: { access_token: 'person' },
    };
    const { grant, tokens } = await importResponse(body, { receivedAt: fromNow(-hour) }, 'slack');
    expect(tokens?.accessToken.reveal()).toBe('bot');
    expect(tokens?.refreshToken?.reveal()).toBe('r');
    expect(tokens?.extra).toEqual({ team_id: 'T1', team_name: 'Team', user_access_token: 'person' });
    expect(grant).toMatchObject({ accountId: 'T1', accountName: 'Team', accountVerified: false, status: 'completed' });
    expect(grant.metadata).toMatchObject({
      expiresAt: fromNow(11 * hour),
      scopes: ['email', 'drive'],
      refreshable: true,
    });
    expect(codesOf(grant)).toEqual(['never_refreshed', 'account_unverified']);
  });

  test('scopes that were granted under other names are not warned of; those that are missing are', async () => {
    const email = 'https://www.googleapis.com/auth/userinfo.email';
    const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600 };
    const all = await importResponse({ ...tokens, scope: `drive ${email}` }, {}, 'google');
    expect(all.grant.metadata?.scopes).toEqual(['drive', 'email']);
    expect(codesOf(all.grant)).not.toContain('scopes_narrowed');
    for (const requiredScopes of [['email'], [email], ['EMAIL', 'drive']]) {
      const whose = { connectionName: all.name, subject: null, accountId: null, workflow: null };
      const request = { ...whose, minTtlSeconds: 0, requiredScopes };
      expect(await broker.getCredential(acme, request)).toMatchObject({ scopes: ['drive', 'email'] });
    }
    const some = await importResponse({ ...tokens, scope: email }, {}, 'google');
    expect(some.grant.warnings).toContainEqual({
      code: 'scopes_narrowed',
      message: 'Requested and not granted: drive.',
    });
  });

  test('a response without scopes grants those that the caller names, else those of the connection', async () => {
    expect((await importResponse({ access_token: 'a' }, { scopes: ['x'] })).grant.metadata?.scopes).toEqual(['x']);
    expect((await importResponse({ access_token: 'a' })).grant.metadata?.scopes).toEqual(['email', 'drive']);
  });

  test('a refresh token alone is stored as due', async () => {
    const { grant } = await importResponse({ refresh_token: 'r' });
    expect(grant.metadata).toMatchObject({ expiresAt: broker.time.now, refreshable: true });
    expect(grant.nextRefreshAt).toEqual(broker.time.now);
  });

  test('without an expiry the grant is due at the next sweep, which learns the lifetime', async () => {
    const { grant, name } = await importResponse({ access_token: 'a', refresh_token: 'r' });
    expect(grant.metadata?.expiresAt).toBeNull();
    expect(grant.nextRefreshAt).toEqual(grant.updatedAt);
    expect(isDue(grant, { intervalMs: hour / 2, windowMs: 4 * hour }, broker.time.now)).toBe(true);
    expect(codesOf(grant)).toContain('unknown_expiry');
    broker.time.now = fromNow(60_000);
    const refreshed = await broker.refreshOnDemand(acme, name, { subject: null, accountId: null });
    expect(refreshed.metadata?.expiresAt).toEqual(fromNow(hour));
    expect(codesOf(refreshed)).not.toContain('unknown_expiry');
  });

  test.each<[string, unknown, Named, string]>([
    ['brings no token', { expires_in: 5 }, {}, 'token_response'],
    ['is a refusal', { error: 'invalid_grant' }, {}, 'token_response'],
    [
      'was received in the future',
      { access_token: 'a' },
      { receivedAt: new Date('2030-01-01T00:06:00Z') },
      'received_at',
    ],
  ])('a response that %s is refused, and nothing is stored', async (_case, body, named, path) => {
    await expect(importResponse(body, named)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { errors: [{ path }] },
    });
    expect(broker.rows.grants.size).toBe(0);
  });

  test('a response of another account than the caller names is refused', async () => {
    const body = { ok: true, access_token: 'a', team: { id: 'T1' } };
    await expect(importResponse(body, { accountId: 'T2' }, 'slack')).rejects.toMatchObject({
      details: { errors: [{ path: 'account_id' }] },
    });
    expect((await importResponse(body, { accountId: 'T1' }, 'slack')).grant.accountId).toBe('T1');
  });

  test('client credentials need an access token', async () => {
    await broker.createConnection(acme, newConnection({ flow: 'client_credentials' }, { name: 'own' }));
    const tokenResponse = { body: new Secret('{"refresh_token":"r"}'), receivedAt: null };
    const imported = importedTokens({ accessToken: null, refreshToken: null, expiresAt: null, tokenResponse });
    await expect(broker.importGrant(acme, 'own', imported)).rejects.toMatchObject({
      details: { errors: [{ path: 'token_response' }] },
    });
  });
});

describe('verifying an import', () => {
  const body = { access_token: 'a', refresh_token: 'r', expires_in: 60 };

  test('a grant that can be refreshed is refreshed', async () => {
    const { grant, tokens } = await importResponse(body, { verify: true });
    expect(broker.oauth.calls.map(({ name }) => name)).toEqual(['refresh']);
    expect(tokens?.accessToken.reveal()).toBe('at-2');
    expect(grant).toMatchObject({ status: 'completed', lastError: null, lastRefreshAt: broker.time.now });
    expect(codesOf(grant)).not.toContain('never_refreshed');
  });

  test('a refused refresh token fails the grant, which stays with its tokens', async () => {
    broker.oauth.script.refresh = aProviderFailure({
      class: 'reauthorization',
      oauthError: 'invalid_grant',
      httpStatus: 400,
    });
    const { grant, tokens } = await importResponse(body, { verify: true });
    expect(grant).toMatchObject({
      status: 'failed',
      statusReason: 'reauthorization_required',
      nextAction: 'authorize',
      lastError: { class: 'reauthorization', error: 'invalid_grant', httpStatus: 400, attempts: 1 },
    });
    expect(tokens?.refreshToken?.reveal()).toBe('r');
    expect(broker.rows.grants.get(grant.id)?.status).toBe('failed');
  });

  test('a provider that is away leaves the grant completed, and the failure shows', async () => {
    broker.oauth.script.refresh = aProviderFailure({ httpStatus: 503 });
    const { grant } = await importResponse(body, { verify: true });
    expect(grant).toMatchObject({ status: 'completed', lastError: { class: 'transient', httpStatus: 503 } });
    expect(grant.retryAt).not.toBeNull();
  });

  test('a grant that cannot be refreshed is probed', async () => {
    broker.oauth.script.probe = { result: 'failed', message: 'No.', responseTimeMs: 1, account: null, httpStatus: 401 };
    const { grant } = await importResponse({ access_token: 'a', expires_in: 600 }, { verify: true });
    expect(broker.oauth.calls.map(({ name }) => name)).toEqual(['probe']);
    expect(grant).toMatchObject({ status: 'completed', health: 'unhealthy', healthError: 'No.' });
    expect(codesOf(grant)).toContain('probe_failed');
  });

  test('a token that has expired and cannot be refreshed is not sent, and the grant stays', async () => {
    const { grant } = await importResponse(
      { access_token: 'a', expires_in: 5 },
      { verify: true, receivedAt: fromNow(-hour) },
    );
    expect(broker.oauth.calls).toEqual([]);
    expect(broker.rows.grants.get(grant.id)?.sealedTokens).not.toBeNull();
  });

  test('single fields are verified alike', async () => {
    await broker.createConnection(acme, newConnection({}, { name: 'single' }));
    broker.oauth.script.refresh = aTokenResponse('at-9', 'rt-9');
    const grant = await broker.importGrant(acme, 'single', importedTokens({ verify: true }));
    expect(broker.tokensOf(grant)?.accessToken.reveal()).toBe('at-9');
  });
});
