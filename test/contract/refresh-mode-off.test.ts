import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { instanceFolder } from '../../src/embedded/instance.ts';
import { createSpool } from '../../src/embedded/spool.ts';
import { aSpoolEntry } from '../support/builders/refreshed.ts';
import { jsonAnswer, type RawProvider, startRawProvider } from '../support/provider/raw-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let provider: RawProvider;
let service: Service;
let called: string[];
beforeAll(async () => {
  called = [];
  provider = await startRawProvider();
  provider.answerEach(({ path }) => {
    called.push(path);
    return path === '/me'
      ? jsonAnswer({})
      : jsonAnswer({ access_token: 'new', token_type: 'Bearer', expires_in: 3600 });
  });
  service = await openService({ REFRESH_MODE: 'off' });
});
afterAll(async () => {
  await service?.close();
  await provider?.close();
});

const refused = {
  status: 503,
  body: {
    code: 'connection_not_ready',
    next_action: 'reconfigure',
    status_message: expect.stringContaining('REFRESH_MODE is off'),
  },
};

async function createConnection(settings: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName('copied');
  const response = await service.api.post('/connections', {
    connection_name: name,
    client_id: 'client',
    client_secret: 'secret',
    authorization_url: `${provider.origin}/authorize`,
    token_url: `${provider.origin}/token`,
    revocation_url: `${provider.origin}/revoke`,
    test_url: `${provider.origin}/me`,
    scopes: ['a'],
    ...settings,
  });
  expect(response.status, response.text).toBe(201);
  return name;
}

async function addGrant(name: string, expiresIn: number, more: Record<string, unknown> = {}): Promise<void> {
  const expires_at = new Date(Date.now() + expiresIn * 1000).toISOString();
  const grant = { access_token: 'held', refresh_token: 'rt', expires_at, ...more };
  const response = await service.api.post(`/connections/${name}/grants`, grant);
  expect(response.status, response.text).toBe(201);
}

test('a live token is served, and nothing is refreshed behind or ahead of the fetch', async () => {
  const name = await createConnection();
  // Close to expiry: usually refreshed behind the fetch.
  await addGrant(name, 60);
  expect(await service.api.get(`/credentials/${name}`)).toMatchObject({ status: 200, body: { access_token: 'held' } });
  expect(await service.api.get(`/credentials/${name}?min_ttl=600`)).toMatchObject(refused);
  expect(called).toEqual([]);
});

test('every request that needs a token endpoint is refused with REFRESH_MODE in its text, and calls none', async () => {
  const name = await createConnection();
  await addGrant(name, -60);
  const renewal = { rejected_token: 'held' };
  for (const response of [
    await service.api.get(`/credentials/${name}`),
    await service.api.post(`/credentials/${name}/renew`, renewal),
    await service.api.post(`/connections/${name}/refresh`),
    await service.api.post(`/connections/${name}/authorize`),
  ]) {
    expect(response).toMatchObject(refused);
    expect(response.headers.get('retry-after')).toBeNull();
  }
  // The state of the grant is that of the backup: no failure is recorded.
  const { body } = await service.api.get(`/connections/${name}/grants`);
  expect(body.grants).toMatchObject([{ status: 'completed', last_error: null }]);
  expect(called).toEqual([]);
});

test('a client_credentials connection is created without a call, and says why it has no token', async () => {
  const name = await createConnection({ oauth_flow_type: 'client_credentials', authorization_url: null });
  expect((await service.api.get(`/connections/${name}`)).body).toMatchObject({
    status: 'failed',
    status_message: expect.stringContaining('REFRESH_MODE is off'),
  });
  expect(called).toEqual([]);
});

test('a revocation is local: the original keeps its grant at the provider', async () => {
  const name = await createConnection();
  await addGrant(name, 3600);
  const response = await service.api.post(`/connections/${name}/revoke`);
  expect(response).toMatchObject({ status: 200, body: { revoked: [{ revoked_at_provider: false }] } });
  await addGrant(name, 3600);
  expect((await service.api.delete(`/connections/${name}`)).status).toBe(200);
  expect(called).toEqual([]);
});

test('an import that is verified probes its access token and does not spend its refresh token', async () => {
  const name = await createConnection();
  await addGrant(name, 3600, { verify: true });
  expect(called.splice(0)).toEqual(['/me']);
});

test('the health and the log say that the mode is off, and the lack of workers is no fault', async () => {
  await expect
    .poll(async () => (await service.api.get('/health')).body, { timeout: 20_000 })
    .toMatchObject({ status: 'ok', refresh_mode: 'off', workers: 0 });
  expect(service.broker.logs()).toContain('token endpoints are not called');
});

test('spooled token sets of the original stay on the disk', async () => {
  const directory = join(instanceFolder(service.stack.dataDir), 'original');
  mkdirSync(directory, { mode: 0o700 });
  const entry = aSpoolEntry();
  await createSpool(directory, () => {}).put(entry);
  const file = join(directory, `${entry.base.id}.${entry.base.version}.tokens`);
  await service.restart({ REFRESH_MODE: 'off' });
  expect(existsSync(file)).toBe(true);
});

test('a sweep and a check of all on demand are refused', async () => {
  expect(await service.api.post('/admin/refresh/expiring')).toMatchObject(refused);
  expect(await service.api.post('/admin/health/check-all')).toMatchObject(refused);
  expect(await service.api.get('/admin/refresh/status')).toMatchObject({
    status: 200,
    body: { is_running: false, sweeps: [] },
  });
});
