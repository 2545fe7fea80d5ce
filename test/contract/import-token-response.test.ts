import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const importInto = ({ path }: TestConnection, body: unknown) => service.api.post(`${path}/grants`, body);
const atHostile = (path: string) =>
  addConnection(service, {
    body: { token_url: `${service.hostile.origin}${path}`, test_url: `${service.hostile.origin}${path}/me` },
  });
const hourAgo = () => new Date(Date.now() - 3_600_000).toISOString();

test.each<[string, unknown]>([
  ['an object', { access_token: 'a', refresh_token: 'r', expires_in: 7200, scope: 'openid' }],
  ['JSON as text', '{"access_token":"a","refresh_token":"r","expires_in":7200,"scope":"openid"}'],
  ['a form', 'access_token=a&refresh_token=r&expires_in=7200&scope=openid'],
])('a token response as %s is imported and served, and its lifetime counts from received_at', async (_form, sent) => {
  const connection = await addConnection(service);
  const { status, body, text } = await importInto(connection, { token_response: sent, received_at: hourAgo() });
  expect(status, text).toBe(201);
  expect(body).toMatchObject({ status: 'completed', refreshable: true, scopes: ['openid'], last_error: null });
  const seconds = (Date.parse(body.expires_at) - Date.now()) / 1000;
  expect(seconds).toBeGreaterThan(3500);
  expect(seconds).toBeLessThanOrEqual(3600);
  expect((await service.api.get(connection.credential)).body).toMatchObject({ access_token: 'a' });
});

test('a response without a token and a response beside single fields are refused, with what is wrong', async () => {
  const connection = await addConnection(service);
  const none = await importInto(connection, { token_response: { expires_in: 60 } });
  expect(none).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(none.body.errors).toEqual([
    { path: 'token_response', message: expect.stringContaining('no access token and no refresh token') },
  ]);
  const mixed = await importInto(connection, { token_response: {}, access_token: 'a', expires_in: 5 });
  expect(mixed).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect((mixed.body.errors as { path: string }[]).map(({ path }) => path)).toEqual(['access_token', 'expires_in']);
});

test('verify refreshes at once, and the response shows the new lifetime', async () => {
  const connection = await atHostile('/works');
  service.hostile.script('/works', json(200, { access_token: 'new', refresh_token: 'r2', expires_in: 600 }));
  const { status, body } = await importInto(connection, {
    token_response: { access_token: 'old', refresh_token: 'r1' },
    verify: true,
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({ status: 'completed', last_error: null, last_refresh_at: expect.any(String) });
  expect(body.expires_at).not.toBeNull();
  expect((await service.api.get(connection.credential)).body).toMatchObject({ access_token: 'new' });
});

test('a refused verification keeps the grant, failed, and a later import replaces it', async () => {
  const connection = await atHostile('/refuses');
  service.hostile.script('/refuses', json(400, { error: 'invalid_grant' }));
  const { status, body } = await importInto(connection, { token_response: { refresh_token: 'dead' }, verify: true });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    status: 'failed',
    status_reason: 'reauthorization_required',
    next_action: 'authorize',
    last_error: { class: 'reauthorization', error: 'invalid_grant', http_status: 400 },
  });
  const kept = await service.api.get(`${connection.path}/grants/${body.grant_id}`);
  expect(kept).toMatchObject({ status: 200, body: { status: 'failed' } });
  const again = await importInto(connection, { access_token: 'a', expires_in: 600 });
  expect(again).toMatchObject({
    status: 201,
    body: { grant_id: body.grant_id, status: 'completed', last_error: null },
  });
});

test('verify probes a token that cannot be refreshed', async () => {
  const connection = await atHostile('/probed');
  service.hostile.script('/probed/me', json(401, { error: 'invalid_token' }));
  const { status, body } = await importInto(connection, { access_token: 'bad', expires_in: 600, verify: true });
  expect(status).toBe(201);
  expect(body).toMatchObject({ status: 'completed', refreshable: false, health: 'unhealthy' });
  expect((body.warnings as { code: string }[]).map(({ code }) => code)).toContain('probe_failed');
});
