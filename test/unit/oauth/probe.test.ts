import { afterEach, expect, test } from 'vitest';
import type { TestProbe } from '../../../src/domain/template.ts';
import { createCatalogue } from '../../../src/oauth/catalogue.ts';
import { resolveProvider } from '../../../src/oauth/resolve-provider.ts';
import {
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  plainSettings,
  startGateway,
} from '../../support/gateway-fixture.ts';
import { hang, json, reset, text } from '../../support/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function probed(probe: Partial<TestProbe> = {}, options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  const whole = {
    method: 'GET' as const,
    headers: {},
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

test('2xx is success, with the account; the token goes in the header and never in the URL', async () => {
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

test('a POST with its body', async () => {
  const { gateway, client, provider } = await probed({ method: 'POST', body: '{"query":"{me}"}' });
  await gateway.probe(client, held());
  expect(provider.received[0]).toMatchObject({
    method: 'POST',
    body: '{"query":"{me}"}',
    headers: { 'content-type': 'application/json' },
  });
});

test.each([
  ['401', json(401, { id: 7 }), 401],
  ['a redirect', text(302, '', { location: 'https://evil.example' }), 302],
  ['200 that says ok:false', json(200, { ok: false, error: 'invalid_auth', id: 7 }), 200],
  ['an outage that stays', text(503, ''), 503],
  ['no answer in time', hang, null],
  ['a dropped connection', reset, null],
] as const)('%s fails with a message and no account', async (_, reply, httpStatus) => {
  const { gateway, client, provider } = await probed({}, { timing: { probeTimeoutMs: 150 } });
  provider.script('/me', reply);
  expect(await gateway.probe(client, held())).toMatchObject({
    result: 'failed',
    httpStatus,
    account: null,
    message: expect.stringMatching(/\w/),
  });
});

test('an outage that passes does not fail the token', async () => {
  const { gateway, client, provider } = await probed();
  provider.script('/me', text(503, ''), json(200, { id: 'a' }));
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'success' });
});

test('an account that could not be stored or shown is none', async () => {
  const { gateway, client, provider } = await probed();
  for (const id of ['', 'a\nb', 'x'.repeat(256), { a: 1 }, true]) {
    provider.script('/me', json(200, { id }));
    expect(await gateway.probe(client, held())).toMatchObject({ result: 'success', account: null });
  }
});

test('no probe known is skipped', async () => {
  open = await startGateway();
  expect(await open.gateway.probe(open.client, held())).toMatchObject({ result: 'skipped', httpStatus: null });
});

test('a probe that the scopes do not reach is skipped rather than failed', async () => {
  const { gateway, client, provider } = await probed({ scopes: ['profile'] }, { settings: { scopes: ['mail'] } });
  expect(await gateway.probe(client, held())).toMatchObject({ result: 'skipped' });
  expect(provider.received).toHaveLength(0);
  const settings = { ...client.settings, scopes: ['mail', 'profile'] };
  expect(await gateway.probe({ ...client, settings }, held())).toMatchObject({ result: 'success' });
});

test('the test URL of the connection wins, whatever the scopes', async () => {
  const { gateway, client, provider } = await probed({ scopes: ['profile'] }, { settings: { scopes: ['mail'] } });
  provider.script('/own', json(200, { id: 'own' }));
  const settings = { ...client.settings, testUrl: `${provider.origin}/own` };
  expect(await gateway.probe({ ...client, settings }, held())).toMatchObject({
    result: 'success',
    account: { id: 'own' },
  });
});

test('a generic connection is recognised by its authorization URL', () => {
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
