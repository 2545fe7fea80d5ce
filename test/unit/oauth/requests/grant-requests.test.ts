import { afterEach, describe, expect, test } from 'vitest';
import type { Secret } from '../../../../src/domain/secret.ts';
import {
  exchange,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { json } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const granted = { access_token: 'new-access', token_type: 'Bearer', expires_in: 3600, refresh_token: 'new-refresh' };

async function gatewayTo(options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  open = await startGateway(options);
  open.provider.script('/token', json(200, granted));
  return open;
}

describe('request parameters', () => {
  test('a code exchange sends the parameters of RFC 6749 §4.1.3 and the PKCE verifier', async () => {
    const { gateway, client, provider } = await gatewayTo();
    await gateway.exchangeCode(client, exchange());
    expect(Object.fromEntries(provider.form())).toEqual({
      grant_type: 'authorization_code',
      code: 'the-code',
      redirect_uri: 'https://broker.example/callback/x',
      code_verifier: 'verifier-verifier-verifier-verifier-verifier',
    });
    expect(provider.received[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    });
  });

  test('a refresh sends the refresh token, and scopes only if the template says so', async () => {
    const plain = await gatewayTo();
    await plain.gateway.refresh(plain.client, held(), ['a', 'b']);
    expect(Object.fromEntries(plain.provider.form())).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'old-refresh',
    });
    await plain.close();
    const scoped = await gatewayTo({ template: { sendScopeOnRefresh: true } });
    await scoped.gateway.refresh(scoped.client, held(), ['a', 'b']);
    expect(scoped.provider.form().get('scope')).toBe('a b');
  });

  test("client_credentials sends the scopes with the template's separator", async () => {
    const { gateway, client, provider } = await gatewayTo({ template: { scopeSeparator: ',' } });
    await gateway.requestClientCredentials(client, ['a', 'b']);
    expect(Object.fromEntries(provider.form())).toEqual({ grant_type: 'client_credentials', scope: 'a,b' });
  });

  const secret = 'p+a/s:s%w ü';
  const encoded = 'p%2Ba%2Fs%3As%25w+%C3%BC';
  test.each([
    ['client_secret_basic', `client:${encoded}`, null],
    ['client_secret_basic_raw', `client:${secret}`, null],
    ['client_secret_post', null, secret],
    ['none', null, null],
  ] as const)(
    '%s authenticates the client in exactly one way, with any characters in the secret',
    async (tokenAuthMethod, basic, posted) => {
      const { gateway, client, provider } = await gatewayTo({ secrets: [secret], settings: { tokenAuthMethod } });
      await gateway.refresh(client, held(), []);
      const authorization = provider.received[0]?.headers.authorization ?? null;
      expect(authorization && Buffer.from(authorization.slice('Basic '.length), 'base64').toString()).toBe(basic);
      expect(provider.form().get('client_secret')).toBe(posted);
      expect(provider.form().get('client_id')).toBe(basic === null ? 'client' : null);
    },
  );

  test('a client without a secret sends only its client_id, as a public client', async () => {
    const { gateway, client, provider } = await gatewayTo({ secrets: [] });
    await gateway.refresh(client, held(), []);
    expect(provider.received[0]?.headers.authorization).toBeUndefined();
    expect(provider.form().get('client_id')).toBe('client');
  });

  test('the template can send the parameters as JSON', async () => {
    const { gateway, client, provider } = await gatewayTo({
      template: { requestBody: 'json', tokenAuthMethod: 'client_secret_post' },
    });
    await gateway.refresh(client, held(), []);
    expect(provider.received[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(provider.received[0]?.body ?? '')).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'old-refresh',
      client_id: 'client',
      client_secret: 's3cret',
    });
  });

  test('the template can send the parameters in the query', async () => {
    const { gateway, client, provider } = await gatewayTo({ template: { requestBody: 'query' } });
    await gateway.refresh(client, held(), []);
    expect(provider.received[0]).toMatchObject({ method: 'POST', body: '' });
    expect(provider.received[0]?.query.get('refresh_token')).toBe('old-refresh');
  });

  test('the template renames and drops parameters, and adds request headers', async () => {
    const { gateway, client, provider } = await gatewayTo({
      template: {
        tokenAuthMethod: 'client_secret_post',
        renamedParams: { client_id: 'client_key', redirect_uri: null },
        requestHeaders: { 'Api-Version': '7', Accept: 'application/vnd.x+json' },
      },
    });
    await gateway.exchangeCode(client, exchange());
    expect(provider.form().get('client_key')).toBe('client');
    expect(provider.form().has('client_id')).toBe(false);
    expect(provider.form().has('redirect_uri')).toBe(false);
    expect(provider.received[0]?.headers).toMatchObject({ 'api-version': '7', accept: 'application/vnd.x+json' });
  });

  test('the code is read from the callback parameter that the template names', async () => {
    const { gateway, client, provider } = await gatewayTo({ template: { codeParam: 'auth_code' } });
    await gateway.exchangeCode(client, exchange({ auth_code: 'odd' }));
    expect(provider.form().get('code')).toBe('odd');
  });

  test('token and refresh requests have separate template parameters, which may set another grant_type', async () => {
    const { gateway, client, provider } = await gatewayTo({
      template: {
        variables: { account: { pattern: '^[0-9]+$', description: 'Account.' } },
        tokenParams: { grant_type: 'account_credentials', account_id: '{account}' },
        refreshParams: { expiring: '1' },
      },
      settings: { variables: { account: '42' } },
    });
    await gateway.requestClientCredentials(client, []);
    expect(Object.fromEntries(provider.form())).toEqual({ grant_type: 'account_credentials', account_id: '42' });
    await gateway.refresh(client, held(), []);
    expect(provider.form().get('expiring')).toBe('1');
    expect(provider.form().has('account_id')).toBe(false);
  });

  test('token parameters of the connection are sent with every kind of token request', async () => {
    const tokenParams = { resource: 'https://api.example/', audience: 'api' };
    const { gateway, client, provider } = await gatewayTo({ settings: { tokenParams } });
    await gateway.exchangeCode(client, exchange());
    await gateway.refresh(client, held(), []);
    await gateway.requestClientCredentials(client, []);
    for (const index of [0, 1, 2]) expect(Object.fromEntries(provider.form(index))).toMatchObject(tokenParams);
  });

  test('token parameters of the connection never replace those of the protocol', async () => {
    const { gateway, client, provider } = await gatewayTo({
      settings: {
        tokenParams: { grant_type: 'password', refresh_token: 'own', code: 'own', client_secret: 'own' },
      },
    });
    await gateway.refresh(client, held(), []);
    expect(Object.fromEntries(provider.form())).toEqual({ grant_type: 'refresh_token', refresh_token: 'old-refresh' });
  });

  test("a refresh uses the template's refresh URL", async () => {
    const { gateway, client, provider } = await gatewayTo({ urls: (origin) => ({ refreshUrl: `${origin}/renew` }) });
    provider.script('/renew', json(200, granted));
    await gateway.refresh(client, held(), []);
    expect(provider.received[0]?.path).toBe('/renew');
  });

  test("a refresh uses the connection's own token URL instead of the template's refresh URL", async () => {
    const { gateway, client, provider } = await gatewayTo({ urls: (origin) => ({ refreshUrl: `${origin}/renew` }) });
    provider.script('/own', json(200, granted));
    const settings = { ...client.settings, tokenUrl: `${provider.origin}/own` };
    await gateway.refresh({ ...client, settings }, held(), []);
    expect(provider.received[0]?.path).toBe('/own');
  });

  test('the template can exchange the access token if the provider issues no refresh tokens', async () => {
    const { gateway, client, provider } = await gatewayTo({
      template: {
        refresh: { strategy: 'exchange_access_token', grantType: 'fb_exchange_token', tokenParam: 'fb_exchange_token' },
      },
    });
    await gateway.refresh(client, held({ refresh: null }), []);
    expect(Object.fromEntries(provider.form())).toEqual({
      grant_type: 'fb_exchange_token',
      fb_exchange_token: 'old-access',
    });
  });
});

describe('several client secrets', () => {
  const wrongClient = json(401, { error: 'invalid_client' });

  test('the older client secret is tried after invalid_client for the newest one', async () => {
    const { gateway, client, provider } = await gatewayTo({
      secrets: ['newest', 'older'],
      template: { tokenAuthMethod: 'client_secret_post' },
    });
    provider.script('/token', wrongClient, json(200, granted));
    await gateway.refresh(client, held(), []);
    expect([0, 1].map((index) => provider.form(index).get('client_secret'))).toEqual(['newest', 'older']);
  });

  test.each(['refresh', 'exchangeCode', 'requestClientCredentials', 'revoke'] as const)(
    'a %s with several secrets says which one the provider accepted, and says nothing with one',
    async (call) => {
      const { gateway, client, provider } = await gatewayTo({
        secrets: ['newest', 'older'],
        urls: (origin) => ({
          revocation: { style: 'rfc7009', method: 'POST', tokens: ['refresh_token'], url: origin },
        }),
      });
      const run = (secrets: readonly Secret[], accepted: number[]) => {
        const observed = { ...client, secrets, onSecretAccepted: (position: number) => void accepted.push(position) };
        if (call === 'refresh') return gateway.refresh(observed, held(), []);
        if (call === 'exchangeCode') return gateway.exchangeCode(observed, exchange());
        return call === 'revoke' ? gateway.revoke(observed, held()) : gateway.requestClientCredentials(observed, []);
      };
      const path = call === 'revoke' ? '/' : '/token';
      provider.script(path, wrongClient, json(200, granted), json(200, granted), json(200, granted));
      const accepted: number[] = [];
      await run(client.secrets, accepted);
      await run(client.secrets, accepted);
      await run(client.secrets.slice(0, 1), accepted);
      expect(accepted).toEqual([1, 0]);
    },
  );

  test.each([
    json(400, { error: 'invalid_grant' }),
    json(400, { error: 'unauthorized_client' }),
    json(400, { error: 'odd' }),
  ])('the older client secret is not tried after another refusal (%#)', async (reply) => {
    const { gateway, client, provider } = await gatewayTo({ secrets: ['newest', 'older'] });
    provider.script('/token', reply);
    await expect(gateway.refresh(client, held(), [])).rejects.toThrow();
    expect(provider.received).toHaveLength(1);
  });

  test('the call fails with invalid_client if all client secrets are rejected', async () => {
    const { gateway, client, provider } = await gatewayTo({ secrets: ['newest', 'older'] });
    provider.script('/token', wrongClient);
    await expect(gateway.refresh(client, held(), [])).rejects.toMatchObject({
      facts: { class: 'client', oauthError: 'invalid_client' },
    });
    expect(provider.received).toHaveLength(2);
  });
});
