import { afterEach, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../../../src/domain/connections/template.ts';
import {
  failureOf,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { json, text } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

type Revocation = NonNullable<ProviderTemplate['revocation']>;

async function revocable(
  style: Revocation['style'] = 'rfc7009',
  revocation: Partial<Revocation> = {},
  options: GatewayFixtureOptions = {},
): Promise<GatewayFixture> {
  const plain = { style, method: 'POST' as const, tokens: ['refresh_token', 'access_token'] as const };
  open = await startGateway({
    urls: (origin) => ({ revocation: { url: `${origin}/revoke`, ...plain, ...revocation } }),
    ...options,
  });
  open.provider.script('/revoke', text(200, ''));
  return open;
}

test('RFC 7009 revocation sends the refresh token, then the access token, with client authentication', async () => {
  const { gateway, client, provider } = await revocable();
  expect(await gateway.revoke(client, held())).toBe(true);
  expect([0, 1].map((index) => Object.fromEntries(provider.form(index)))).toEqual([
    { token: 'old-refresh', token_type_hint: 'refresh_token' },
    { token: 'old-access', token_type_hint: 'access_token' },
  ]);
  expect(provider.received[0]?.headers.authorization).toMatch(/^Basic /);
});

test.each([
  [{ status: { code: 0 } }, true],
  [{}, true],
  [{ status: { code: 7 } }, false],
])('under a success test of the template, the response %j confirms a revocation: %j', async (body, confirms) => {
  const template = { response: { success: { path: 'status.code', equals: 0 } } };
  const { gateway, client, provider } = await revocable('rfc7009', {}, { template });
  provider.script('/revoke', json(200, body));
  if (confirms) expect(await gateway.revoke(client, held())).toBe(true);
  else expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ answered: true, httpStatus: 200 });
});

test('a token that the provider does not know counts as revoked', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(200, ''), json(400, { error: 'invalid_token' }));
  expect(await gateway.revoke(client, held())).toBe(true);
});

test.each([
  ['Invalid token', true],
  ['Invalid token format', false],
])('a message of words at the error path counts as a code if it is one as a whole: %s', async (message, isRevoked) => {
  const template = { response: { error: 'error|message' } };
  const { gateway, client, provider } = await revocable('rfc7009', { tokens: ['access_token'] }, { template });
  provider.script('/revoke', json(400, { status: 400, message }));
  if (isRevoked) expect(await gateway.revoke(client, held())).toBe(true);
  else expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ httpStatus: 400 });
});

test('unsupported_token_type for the access token is accepted only after the refresh token was revoked', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(200, ''), json(400, { error: 'unsupported_token_type' }));
  expect(await gateway.revoke(client, held())).toBe(true);
  provider.script('/revoke', json(400, { error: 'unsupported_token_type' }));
  expect(await failureOf(gateway.revoke(client, held({ refresh: null })))).toMatchObject({
    oauthError: 'unsupported_token_type',
  });
});

test('a revocation is repeated while the provider is unavailable, and fails as transient', async () => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', text(503, ''), text(200, ''));
  expect(await gateway.revoke(client, held())).toBe(true);
  provider.script('/revoke', text(503, ''));
  expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ class: 'transient', httpStatus: 503 });
});

test.each([
  [{ error: 'temporarily_unavailable' }, { class: 'transient', oauthError: 'temporarily_unavailable' }],
  [{ error: 'invalid_client' }, { class: 'client', oauthError: 'invalid_client' }],
  [{ error: { code: 'odd' } }, { httpStatus: 200 }],
])('status 200 with the body %j does not confirm a revocation', async (body, failure) => {
  const { gateway, client, provider } = await revocable();
  provider.script('/revoke', json(200, body));
  expect(await failureOf(gateway.revoke(client, held()))).toMatchObject(failure);
});

test.each([{ error: 'invalid_token' }, { error: null }, { error: false }, { ok: true }, []])(
  'status 200 with the body %j confirms a revocation',
  async (body) => {
    const { gateway, client, provider } = await revocable();
    provider.script('/revoke', json(200, body));
    expect(await gateway.revoke(client, held())).toBe(true);
  },
);

test('a JSON revocation sends the token without token_type_hint', async () => {
  const { gateway, client, provider } = await revocable('json');
  await gateway.revoke(client, held({ refresh: null }));
  expect(JSON.parse(provider.received[0]?.body ?? '')).toEqual({ token: 'old-access' });
});

test('a bearer revocation authenticates with the access token alone', async () => {
  const { gateway, client, provider } = await revocable('bearer');
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received).toHaveLength(1);
  expect(provider.received[0]?.headers.authorization).toBe('Bearer old-access');
  provider.script('/revoke', json(200, { ok: false, error: 'odd' }));
  expect(await failureOf(gateway.revoke(client, held()))).toMatchObject({ oauthError: 'odd' });
});

test('a path revocation by DELETE sends the refresh token in the path, without client authentication', async () => {
  const { gateway, client, provider } = await revocable('path', { method: 'DELETE', tokens: ['refresh_token'] });
  provider.script('/revoke/a%2Fb%3Fc', text(204, ''));
  expect(await gateway.revoke(client, held({ refresh: 'a/b?c' }))).toBe(true);
  expect(provider.received).toMatchObject([{ method: 'DELETE', path: '/revoke/a%2Fb%3Fc', body: '' }]);
  expect(provider.received[0]?.headers.authorization).toBeUndefined();
  expect(await gateway.revoke(client, held({ refresh: null }))).toBe(false);
  expect(provider.received).toHaveLength(1);
});

test('a query revocation sends the refresh token, then the access token', async () => {
  const { gateway, client, provider } = await revocable('query');
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received.map(({ method, query }) => [method, query.get('token')])).toEqual([
    ['POST', 'old-refresh'],
    ['POST', 'old-access'],
  ]);
});

test('a bearer revocation can use DELETE', async () => {
  const { gateway, client, provider } = await revocable('bearer', { method: 'DELETE' });
  provider.script('/revoke', text(204, ''));
  expect(await gateway.revoke(client, held())).toBe(true);
  expect(provider.received).toMatchObject([{ method: 'DELETE', headers: { authorization: 'Bearer old-access' } }]);
});

test('a revocation at a provider without a revocation endpoint sends nothing and returns false', async () => {
  open = await startGateway();
  expect(await open.gateway.revoke(open.client, held())).toBe(false);
  expect(open.provider.received).toHaveLength(0);
});

test("revocation at the connection's own URL follows RFC 7009", async () => {
  const { gateway, client, provider } = await revocable('bearer');
  provider.script('/own', text(200, ''));
  const settings = { ...client.settings, revocationUrl: `${provider.origin}/own` };
  expect(await gateway.revoke({ ...client, settings }, held())).toBe(true);
  expect(provider.received.map(({ path }) => path)).toEqual(['/own', '/own']);
});
