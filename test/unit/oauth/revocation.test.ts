import { afterEach, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../../src/domain/template.ts';
import {
  failureOf,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../support/gateway-fixture.ts';
import { json, text } from '../../support/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

type Revocation = NonNullable<ProviderTemplate['revocation']>;

async function revocable(
  style: Revocation['style'] = 'rfc7009',
  how: Partial<Revocation> = {},
  options: GatewayFixtureOptions = {},
): Promise<GatewayFixture> {
  const plain = { style, method: 'POST' as const, tokens: ['refresh_token', 'access_token'] as const };
  open = await startGateway({
    urls: (origin) => ({ revocation: { url: `${origin}/revoke`, ...plain, ...how } }),
    ...options,
  });
  open.provider.script('/revoke', text(200, ''));
  return open;
}

test('RFC 7009: the refresh token first, then the access token, the client authenticated', async () => {
  const { gateway, client, provider } = await revocable();
  expect(await gateway.revoke(client, held())).toBe(true);
  expect([0, 1].map((index) => Object.fromEntries(provider.form(index)))).toEqual([
    { token: 'old-refresh', token_type_hint: 'refresh_token' },
    { token: 'old-access', token_type_hint: 'access_token' },
  ]);
  expect(provider.received[0]?.headers.authorization).toMatch(/^Basic /);
});

test('a token the provider does not know is revoked', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(200, ''), json(400, { error: 'invalid_token' }));
  expect(await gateway.revoke(client, held())).toBe(true);
});

test('a server that revokes no access tokens has done its part with the refresh token', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(200, ''), json(400, { error: 'unsupported_token_type' }));
  expect(await gateway.revoke(client, held())).toBe(true);
  provider.script('/revoke', json(400, { error: 'unsupported_token_type' }));
  expect(await failureOf(gateway.revoke(client, held({ refresh: null })))).toMatchObject({
    oauthError: 'unsupported_token_type',
  });
});

test('an unavailable provider is tried again, then told as such', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(503, ''), text(200, ''));
  expect(await gateway.revoke(client, held())).toBe(true);
  provider.script('/revoke', text(503, ''));
  expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ class: 'transient', httpStatus: 503 });
});

test('a JSON body, without the hint', async () => {
  const { gateway, client, provider } = await revocable('json');
  await gateway.revoke(client, held({ refresh: null }));
  expect(JSON.parse(provider.received[0]?.body ?? '')).toEqual({ token: 'old-access' });
});

test('the token itself as the proof', async () => {
  const { gateway, client, provider } = await revocable('bearer');
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received).toHaveLength(1);
  expect(provider.received[0]?.headers.authorization).toBe('Bearer old-access');
  provider.script('/revoke', json(200, { ok: false, error: 'odd' }));
  expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ oauthError: 'odd' });
});

test('the refresh token in the path of a DELETE, with no client secret beside it', async () => {
  const { gateway, client, provider } = await revocable('path', { method: 'DELETE', tokens: ['refresh_token'] });
  provider.script('/revoke/a%2Fb%3Fc', text(204, ''));
  expect(await gateway.revoke(client, held({ refresh: 'a/b?c' }))).toBe(true);
  expect(provider.received).toMatchObject([{ method: 'DELETE', path: '/revoke/a%2Fb%3Fc', body: '' }]);
  expect(provider.received[0]?.headers.authorization).toBeUndefined();
  expect(await gateway.revoke(client, held({ refresh: null }))).toBe(false);
  expect(provider.received).toHaveLength(1);
});

test('the tokens in the query, the refresh token first', async () => {
  const { gateway, client, provider } = await revocable('query');
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received.map(({ method, query }) => [method, query.get('token')])).toEqual([
    ['POST', 'old-refresh'],
    ['POST', 'old-access'],
  ]);
});

test('the token itself as the proof, by DELETE', async () => {
  const { gateway, client, provider } = await revocable('bearer', { method: 'DELETE' });
  provider.script('/revoke', text(204, ''));
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received).toMatchObject([{ method: 'DELETE', headers: { authorization: 'Bearer old-access' } }]);
});

test('a provider without such an endpoint confirms nothing', async () => {
  open = await startGateway();
  expect(await open.gateway.revoke(open.client, held())).toBe(false);
  expect(open.provider.received).toHaveLength(0);
});

test('a revocation URL of the connection speaks RFC 7009', async () => {
  const { gateway, client, provider } = await revocable('bearer');
  provider.script('/own', text(200, ''));
  const settings = { ...client.settings, revocationUrl: `${provider.origin}/own` };
  expect(await gateway.revoke({ ...client, settings }, held())).toBe(true);
  expect(provider.received.map(({ path }) => path)).toEqual(['/own', '/own']);
});
