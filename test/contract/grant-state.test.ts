import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

test('a grant without refresh token says so in the import, the list, the read and both views of its connection', async () => {
  const { name, path } = await addConnection(service);
  const imported = await service.api.post(`${path}/grants`, { access_token: 'a', expires_in: 3600 });
  const warnings = [{ code: 'no_refresh_token', message: expect.stringContaining('access_type=offline') }];
  const state = { next_action: 'none', refreshable: false, warnings, last_error: null };
  expect(imported.body).toMatchObject({ ...state, account_name: null, refresh_expires_at: null });
  expect((await service.api.get(`${path}/grants`)).body.grants).toEqual([imported.body]);
  expect((await service.api.get(`${path}/grants/${imported.body.grant_id}`)).body).toEqual(imported.body);
  expect((await service.api.get(path)).body).toMatchObject(state);
  const { connections } = (await service.api.get(`/connections?q=${name}`)).body;
  expect(connections).toEqual([expect.objectContaining(state)]);
});

test('an account is unverified if the caller named it, in the import, the list, the read and the connection', async () => {
  const { path } = await addConnection(service);
  const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600, account_id: 'A' };
  const imported = await service.api.post(`${path}/grants`, tokens);
  expect(imported.body).toMatchObject({ account_id: 'A', account_verified: false });
  const warning = { code: 'account_unverified', message: expect.any(String) };
  expect(imported.body.warnings).toContainEqual(warning);
  expect((await service.api.get(`${path}/grants`)).body.grants).toEqual([imported.body]);
  expect((await service.api.get(`${path}/grants/${imported.body.grant_id}`)).body).toEqual(imported.body);
  expect((await service.api.get(path)).body.warnings).toContainEqual(warning);
});

test('an account that the provider named with the token is verified', async () => {
  const connection = await addConnection(service);
  await connect(service, connection, 'ada');
  const { grants } = (await service.api.get(`${connection.path}/grants`)).body;
  expect(grants).toMatchObject([{ account_id: 'ada', account_verified: true, warnings: [] }]);
});

test('a refused client shows its last error and warning on the grant and on its connection', async () => {
  const { path } = await addConnection(service, { body: { client_secret: 'not-the-secret' } });
  const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600 };
  const { grant_id } = (await service.api.post(`${path}/grants`, tokens)).body;
  const refresh = await service.api.post(`${path}/refresh`, {});
  expect(refresh.status, refresh.text).toBe(503);
  const { body } = await service.api.get(`${path}/grants/${grant_id}`);
  expect(body.last_error).toEqual({
    class: 'client',
    error: 'invalid_client',
    error_description: expect.any(String),
    http_status: 401,
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    attempts: 1,
  });
  expect(body.warnings).toContainEqual({ code: 'client_refused', message: expect.stringContaining('invalid_client') });
  expect((await service.api.get(path)).body).toMatchObject({ last_error: body.last_error, warnings: body.warnings });
});
