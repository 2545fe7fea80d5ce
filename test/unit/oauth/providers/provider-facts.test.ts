import { afterEach, describe, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../../../src/domain/connections/template.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { type GatewayFixture, held, startGateway } from '../../../support/provider/gateway-fixture.ts';
import { json } from '../../../support/provider/hostile-provider.ts';

const catalogue = createCatalogue();
const daySeconds = 86_400;
let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

function shipped(id: string): ProviderTemplate & { revocation: NonNullable<ProviderTemplate['revocation']> } {
  const template = catalogue.find(id);
  if (!template?.revocation) throw new Error(`${id} has no revocation`);
  return { ...template, revocation: template.revocation };
}

/** Starts a provider that is described by a shipped template, with its URLs replaced by those of the test. */
async function startShipped(id: string): Promise<GatewayFixture> {
  const { id: _id, ...template } = catalogue.find(id) ?? { id };
  open = await startGateway({
    settings: { clientId: 'the-client' },
    urls: (origin) => ({
      ...template,
      authorizationUrl: `${origin}/authorize`,
      tokenUrl: `${origin}/token`,
      refreshUrl: null,
      ...('revocation' in template &&
        template.revocation && { revocation: { ...template.revocation, url: `${origin}/revoke` } }),
    }),
  });
  return open;
}

async function revokedAt(id: string) {
  const { gateway, client, provider } = await startShipped(id);
  provider.script('/revoke', json(200, { ok: true }));
  expect(await gateway.revoke(client, held())).toBe(true);
  return provider.received.map(({ method, query, headers, body }) => ({
    method,
    token: query.get('token'),
    type: headers['content-type']?.split(';')[0],
    authorization: headers.authorization,
    body,
  }));
}

describe('revocation at the provider', () => {
  test('HubSpot: a form with the client and the refresh token', async () => {
    expect(shipped('hubspot').revocation.url).toBe('https://api.hubapi.com/oauth/2026-03/token/revoke');
    const requests = await revokedAt('hubspot');
    expect(requests).toMatchObject([{ method: 'POST', type: 'application/x-www-form-urlencoded' }]);
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toMatchObject({
      client_id: 'the-client',
      client_secret: 's3cret',
      token: 'old-refresh',
    });
  });

  test('QuickBooks: JSON with Basic authentication', async () => {
    expect(shipped('quickbooks').revocation.url).toBe('https://developer.api.intuit.com/v2/oauth2/tokens/revoke');
    const [first] = await revokedAt('quickbooks');
    expect(first).toMatchObject({ method: 'POST', type: 'application/json' });
    expect(first?.authorization).toMatch(/^Basic /);
    expect(JSON.parse(first?.body ?? '')).toEqual({ token: 'old-refresh' });
  });

  test.each([
    ['slack', 'https://slack.com/api/auth.revoke'],
    ['dropbox', 'https://api.dropboxapi.com/2/auth/token/revoke'],
  ])('%s: the access token as bearer at %s', async (id, url) => {
    expect(shipped(id).revocation.url).toBe(url);
    expect(await revokedAt(id)).toMatchObject([{ method: 'POST', authorization: 'Bearer old-access' }]);
  });

  test.each([
    ['facebook', 'https://graph.facebook.com/v22.0/me/permissions'],
    ['zendesk', 'https://{sub}.zendesk.com/api/v2/oauth/tokens/current'],
  ])('%s: DELETE with the access token as bearer at %s', async (id, url) => {
    expect(shipped(id).revocation.url).toBe(url);
    expect(await revokedAt(id)).toMatchObject([{ method: 'DELETE', authorization: 'Bearer old-access' }]);
  });

  test.each([
    ['zoho', 'POST', ['old-refresh']],
    ['servicenow', 'GET', ['old-refresh', 'old-access']],
  ])('%s: %s with the token in the query, without the client', async (id, method, tokens) => {
    const requests = await revokedAt(id);
    expect(requests.map((each) => [each.method, each.token, each.authorization])).toEqual(
      tokens.map((token) => [method, token, undefined]),
    );
  });

  test.each([
    ['xero', 'old-refresh'],
    ['auth0', 'old-refresh'],
    ['asana', 'old-refresh'],
    ['twitch', 'old-access'],
  ])('%s: a form with one token, the %s', async (id, token) => {
    const forms = (await revokedAt(id)).map(({ body }) => new URLSearchParams(body).get('token'));
    expect(forms).toEqual([token]);
  });
});

describe('lifetimes of refresh tokens', () => {
  test('QuickBooks states its lifetime; without it, 100 days count from the issue of each token', async () => {
    const { gateway, client, provider } = await startShipped('quickbooks');
    const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600 };
    provider.script('/token', json(200, { ...tokens, x_refresh_token_expires_in: 50 }), json(200, tokens));
    expect((await gateway.refresh(client, held(), [])).refreshLifetimeSeconds).toBe(50);
    expect((await gateway.refresh(client, held(), [])).refreshLifetimeSeconds).toBe(100 * daySeconds);
    expect(catalogue.find('quickbooks')?.refreshToken).toMatchObject({ idleDays: 100, lifetimeCounts: 'from_issue' });
  });

  test('Atlassian counts 365 days from consent, and ends a token that is unused for 90 days', () => {
    expect(catalogue.find('atlassian-jira')?.refreshToken).toEqual({
      rotates: true,
      lifetimeDays: 365,
      lifetimeCounts: 'from_consent',
      idleDays: 90,
    });
  });
});

describe('lifetimes from the consent', () => {
  test.each([
    ['linkedin', 365],
    ['spotify', 180],
  ])('%s: %i days, which a refresh does not extend', (id, lifetimeDays) => {
    expect(catalogue.find(id)?.refreshToken).toMatchObject({ lifetimeDays, lifetimeCounts: 'from_consent' });
  });
});

test('Facebook renews an access token by exchanging it', async () => {
  const { gateway, client, provider } = await startShipped('facebook');
  provider.script('/token', json(200, { access_token: 'longer', expires_in: 5_183_944 }));
  expect((await gateway.refresh(client, held(), [])).lifetimeSeconds).toBe(5_183_944);
  expect(Object.fromEntries(provider.form(0))).toMatchObject({
    grant_type: 'fb_exchange_token',
    fb_exchange_token: 'old-access',
    client_id: 'the-client',
  });
});

test('Slack receives a code challenge and a code verifier', async () => {
  const { gateway, settings } = await startShipped('slack');
  const codeVerifier = gateway.createCodeVerifier(settings);
  const request = { state: 's', redirectUri: 'https://b.example/', scopes: [], loginHint: null, prompt: null };
  const url = new URL(await gateway.authorizationUrl(settings, { ...request, codeVerifier }));
  expect(url.searchParams.get('code_challenge_method')).toBe('S256');
});
