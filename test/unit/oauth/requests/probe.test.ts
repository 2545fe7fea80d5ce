import { afterEach, expect, test } from 'vitest';
import type { TestProbe } from '../../../../src/domain/connections/template.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { resolveProvider } from '../../../../src/oauth/providers/resolve-provider.ts';
import {
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  plainSettings,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { hang, json, reset, text } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function probed(probe: Partial<TestProbe> = {}, options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  const whole = {
    method: 'GET' as const,
    headers: {},
    tokenHeader: 'authorization',
    tokenScheme: 'Bearer',
    body: null,
    scopes: [],
    accountId: 'id',
    accountName: 'profile.name',
    ...probe,
  };
  open = await startGateway({ urls: (origin) => ({ test: { url: `${origin}/me`, ...whole } }), ...options });
  open.provider.script('/me', json(200, { id: 7, profile: { name: 'Seven' } }));
  return open;
}

test.each([
  ['[{"id":7,"name":"Seven"},{"id":8,"name":"Eight"}]', { id: '7', name: 'Seven' }],
  [' [[{"id":7}]]', null],
  ['[]', null],
  ['[{"id":7', null],
])('the account of the list %s is that of its first element: %j', async (list, account) => {
  const { gateway, client, provider } = await probed({ accountId: '0.id', accountName: '0.name' });
  provider.script('/me', text(200, list, { 'content-type': 'application/json' }));
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'success', account });
});

test('the Accept header of a template replaces the standard one in any spelling', async () => {
  const { gateway, client, provider } = await probed({ headers: { Accept: 'application/vnd.provider+json' } });
  await gateway.probe(client, held());
  expect(provider.received[0]?.headers.accept).toBe('application/vnd.provider+json');
});

test.each<[Partial<TestProbe>, Record<string, string | undefined>]>([
  [{ tokenScheme: 'OAuth' }, { authorization: 'OAuth old-access' }],
  [
    { tokenHeader: 'X-Access-Token', tokenScheme: null },
    { 'x-access-token': 'old-access', authorization: undefined },
  ],
])('a probe of %j sends the token as %j', async (probe, headers) => {
  const { gateway, client, provider } = await probed(probe);
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'success' });
  for (const [name, value] of Object.entries(headers)) expect(provider.received[0]?.headers[name]).toBe(value);
});

test('a probe with status 2xx succeeds with the account, and sends the token only in the header', async () => {
  const { gateway, client, provider } = await probed({ headers: { 'x-version': '2' } });
  expect(await gateway.probe(client, held())).toMatchObject({
    result: 'success',
    httpStatus: 200,
    account: { id: '7', name: 'Seven' },
    responseTimeMs: expect.any(Number),
  });
  expect(provider.received[0]).toMatchObject({
    method: 'GET',
    headers: { authorization: 'Bearer old-access', 'x-version': '2' },
  });
  expect(provider.received[0]?.query.size).toBe(0);
});

test('a POST probe sends the JSON body of the template', async () => {
  const { gateway, client, provider } = await probed({ method: 'POST', body: '{"query":"{me}"}' });
  await gateway.probe(client, held());
  expect(provider.received[0]).toMatchObject({
    method: 'POST',
    body: '{"query":"{me}"}',
    headers: { 'content-type': 'application/json' },
  });
});

test.each([
  ['status 401', json(401, { id: 7 }), 401],
  ['a redirect', text(302, '', { location: 'https://evil.example' }), 302],
  ['status 200 with ok:false', json(200, { ok: false, error: 'invalid_auth', id: 7 }), 200],
  ['a lasting outage', text(503, ''), 503],
  ['no response in time', hang, null],
  ['a dropped connection', reset, null],
] as const)('a probe with %s fails with a message and no account', async (_, reply, httpStatus) => {
  const probeTimeoutMs = reply === hang ? 150 : 5000;
  const { gateway, client, provider } = await probed({}, { timing: { probeTimeoutMs } });
  provider.script('/me', reply);
  expect(await gateway.probe(client, held())).toMatchObject({
    result: 'failed',
    httpStatus,
    account: null,
    message: expect.stringMatching(/\w/),
  });
});

test('a probe is repeated after a short outage', async () => {
  const { gateway, client, provider } = await probed();
  provider.script('/me', text(503, ''), json(200, { id: 'a' }));
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'success' });
});

test('a probe ignores an account id that cannot be stored or shown', async () => {
  const { gateway, client, provider } = await probed();
  for (const id of ['', 'a\nb', 'x'.repeat(256), { a: 1 }, true]) {
    provider.script('/me', json(200, { id }));
    expect(await gateway.probe(client, held())).toMatchObject({ result: 'success', account: null });
  }
});

test('the test of a token is skipped if no probe is known', async () => {
  open = await startGateway();
  expect(await open.gateway.probe(open.client, held())).toMatchObject({ result: 'skipped', httpStatus: null });
});

test('a probe is skipped if the scopes of the connection do not permit it', async () => {
  const { gateway, client, provider } = await probed({ scopes: ['profile'] }, { settings: { scopes: ['mail'] } });
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'skipped' });
  expect(provider.received).toHaveLength(0);
  const settings = { ...client.settings, scopes: ['mail', 'profile'] };
  expect(await gateway.probe({ ...client, settings }, held())).toMatchObject({ result: 'success' });
});

test("the connection's own test URL is called with any scopes", async () => {
  const { gateway, client, provider } = await probed({ scopes: ['profile'] }, { settings: { scopes: ['mail'] } });
  provider.script('/own', json(200, { id: 'own' }));
  const settings = { ...client.settings, testUrl: `${provider.origin}/own` };
  expect(await gateway.probe({ ...client, settings }, held())).toMatchObject({
    result: 'success',
    account: { id: 'own' },
  });
});

test('a generic connection uses the probe of the provider detected by its authorization URL', () => {
  const catalogue = createCatalogue();
  const generic = { ...plainSettings, provider: 'generic', tokenUrl: 'https://x.example/token' };
  const probeFor = (authorizationUrl: string) =>
    resolveProvider(catalogue, { ...generic, authorizationUrl })?.probe ?? null;
  expect(probeFor('https://github.com/login/oauth/authorize')).toMatchObject({
    url: 'https://api.github.com/user',
    accountId: 'id',
  });
  expect(probeFor('https://unknown.example/authorize')).toBeNull();
});

test('a probe with a priority leaves an API alone that asked this connection to slow down; one without is still made', async () => {
  const { gateway, client, provider } = await probed();
  provider.script('/me', json(429, {}, { 'retry-after': '600' }), json(200, { id: 7 }));
  const priority = { inBackground: true };
  expect(await gateway.probe(client, held(), priority)).toMatchObject({ result: 'failed', httpStatus: 429 });
  expect(await gateway.probe(client, held(), priority)).toMatchObject({
    result: 'skipped',
    message: expect.stringContaining('slow down'),
  });
  const other = { ...client, caller: { ...client.caller, organizationId: 'other' } };
  expect(await gateway.probe(other, held(), priority)).toMatchObject({ result: 'success' });
  expect(provider.received).toHaveLength(2);
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'success' });
});

test('probes with a priority end after five failures in a row, and the circuits of token endpoints do not show it', async () => {
  const { gateway, client, provider } = await probed();
  provider.script('/me', json(503, {}));
  for (let n = 0; n < 5; n++) {
    expect(await gateway.probe(client, held(), { inBackground: true })).toMatchObject({ result: 'failed' });
  }
  const sent = provider.received.length;
  expect(await gateway.probe(client, held(), { inBackground: true })).toMatchObject({
    result: 'skipped',
    message: expect.stringContaining('failed several times'),
  });
  expect(provider.received).toHaveLength(sent);
  expect(gateway.circuits()).toEqual([]);
});
