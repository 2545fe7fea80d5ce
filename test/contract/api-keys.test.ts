import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import type { Api } from '../support/http/broker-api.ts';
import { startBroker } from '../support/processes/broker-process.ts';
import { everyPermission, openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

interface ApiKey {
  [member: string]: unknown;
  id: string;
  name: string;
}
const create = (body: unknown, api = service.api) => api.post('/admin/api-keys', body);
const list = async (api = service.api) => (await api.get('/admin/api-keys')).body.api_keys as ApiKey[];
const minimal = { name: 'a key', permissions: ['credentials:read'], organizations: ['acme'] };

describe('POST /admin/api-keys', () => {
  test('a new API key is shown once, with its rights', async () => {
    const whole = {
      ...minimal,
      global: true,
      connections: ['crm*', 'mail'],
      expires_at: '2035-01-31T12:00:00.000Z',
      rate_limit_per_minute: 60,
    };
    const { status, body, headers } = await create(whole);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/admin/api-keys/${body.id}`);
    expect(body).toEqual({
      ...whole,
      id: expect.any(String),
      key: expect.stringMatching(/^\S{43,}$/),
      created_by: 'bootstrap',
      created_at: expect.stringMatching(/Z$/),
      last_used_at: null,
      revoked_at: null,
    });
    const { key, ...summary } = body;
    const listed = await service.api.get('/admin/api-keys');
    expect((listed.body.api_keys as ApiKey[]).find(({ id }) => id === body.id)).toEqual(summary);
    expect(listed.text).not.toContain(String(key).split('_').at(-1));
  });

  test('an API key with the required fields only has the defaults', async () => {
    const { body } = await create(minimal);
    expect(body).toMatchObject({ ...minimal, global: false, connections: null, expires_at: null });
    expect(body.rate_limit_per_minute).toBeNull();
  });

  test.each<[path: string, change: Record<string, unknown>]>([
    ['name', { name: undefined }],
    ['name', { name: '' }],
    ['name', { name: 'a\nb' }],
    ['permissions', { permissions: [] }],
    ['permissions', { permissions: undefined }],
    ['permissions.0', { permissions: ['everything'] }],
    ['organizations', { organizations: undefined }],
    ['organizations', { organizations: [] }],
    ['organizations', { organizations: 'acme' }],
    ['organizations.0', { organizations: ['a b'] }],
    ['global', { global: 'yes' }],
    ['connections', { connections: [] }],
    ['connections.0', { connections: ['a b'] }],
    ['expires_at', { expires_at: '2020-01-31T12:00:00Z' }],
    ['expires_at', { expires_at: 'never' }],
    ['rate_limit_per_minute', { rate_limit_per_minute: 0 }],
    ['rate_limit_per_minute', { rate_limit_per_minute: 1.5 }],
    ['rate_limit_per_minute', { rate_limit_per_minute: '60' }],
    ['rate_limit_per_minute', { rate_limit_per_minute: 1e9 }],
    ['key', { key: 'chosen' }],
  ])('a new API key reports a fault at %s for %j', async (path, change) => {
    const response = await create({ ...minimal, ...change });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  test.each<[string, Record<string, unknown>]>([
    ['another permission', { permissions: ['admin:write', 'connections:write'] }],
    ['another organisation', { organizations: ['acme', 'globex'] }],
    ['every organisation', { organizations: '*' }],
    ['the global scope', { global: true }],
    ['more connections', { connections: ['*'] }],
    ['every connection', { connections: undefined }],
    ['a wider connection pattern', { connections: ['crm', 'cr*'] }],
  ])('a new API key with more than its creator has (%s) gives 403 and is not created', async (_name, more) => {
    const own = { permissions: ['admin:write', 'admin:read'], organizations: ['acme'], connections: ['crm*'] };
    const { api } = await service.newKey({ ...own, global: false });
    expect((await create({ name: 'as much', ...own }, api)).status).toBe(201);
    const before = await list();
    const response = await create({ name: 'more', ...own, ...more }, api);
    expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await list()).toHaveLength(before.length);
  });
});

describe('rights of an API key', () => {
  test('an API key gets the routes of its permissions, and 403 with the missing permission on others', async () => {
    const { path, credential } = await addConnection(service);
    await service.api.post(`${path}/grants`, { access_token: 'live', refresh_token: 'r', expires_in: 3600 });
    const grants = (await service.api.get(`${path}/grants`)).body.grants as { grant_id: string }[];
    const calls: [permission: string, method: string, path: string, body?: unknown][] = [
      ['connections:read', 'GET', '/connections'],
      ['connections:read', 'GET', path],
      ['connections:read', 'GET', `${path}/grants`],
      ['connections:read', 'GET', '/providers'],
      ['connections:read', 'GET', '/providers/google'],
      ['connections:authorize', 'POST', `${path}/authorize`],
      ['connections:authorize', 'POST', `${path}/cancel`],
      ['connections:authorize', 'POST', `${path}/test`],
      ['connections:authorize', 'POST', `${path}/refresh`],
      ['credentials:read', 'GET', credential],
      ['credentials:read', 'POST', `${credential}/renew`, { rejected_token: 'x' }],
      ['admin:read', 'GET', '/admin/api-keys'],
      ['admin:write', 'POST', '/admin/api-keys', { ...minimal, permissions: ['admin:write'] }],
      ['admin:write', 'DELETE', '/admin/api-keys/none'],
      ['connections:write', 'POST', '/connections', {}],
      ['connections:write', 'POST', `${path}/grants`, { access_token: 'live' }],
      ['connections:write', 'PATCH', path, {}],
      ['connections:write', 'PUT', path, {}],
      ['connections:write', 'POST', `${path}/revoke`],
      ['connections:write', 'DELETE', `${path}/grants/${grants[0]?.grant_id}`],
      ['connections:write', 'DELETE', path],
    ];
    // Refusals come first: the last permitted call deletes the connection.
    for (const [permission, method, target, body] of calls) {
      const { api } = await service.newKey({ permissions: everyPermission.filter((one) => one !== permission) });
      const refused = await api.call(method, target, { body });
      expect([refused.status, refused.body.code], `${method} ${target}`).toEqual([403, 'forbidden']);
      expect(refused.body.required_permission).toBe(permission);
    }
    for (const [permission, method, target, body] of calls) {
      const { api } = await service.newKey({ permissions: [permission] });
      expect([401, 403], `${method} ${target}`).not.toContain((await api.call(method, target, { body })).status);
    }
  });

  test('an API key limited to some connections reads tokens of these only, and the configuration of all', async () => {
    const prefix = uniqueName('crm');
    for (const connection_name of [`${prefix}-eu`, `x${prefix}`]) {
      await addConnection(service, { body: { connection_name } });
      await service.api.post(`/connections/${connection_name}/grants`, { access_token: 'live', expires_in: 3600 });
    }
    const { api } = await service.newKey({ connections: [`${prefix}*`] });
    expect((await api.get(`/credentials/${prefix}-eu`)).status).toBe(200);
    expect(await api.get(`/credentials/x${prefix}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const renewed = await api.post(`/credentials/x${prefix}/renew`, { rejected_token: 'live' });
    expect(renewed.body.code).toBe('forbidden');
    // The response does not reveal whether the name exists.
    expect((await api.get(`/credentials/absent-${prefix}`)).body.code).toBe('forbidden');
    expect((await api.get(`/connections/x${prefix}`)).status).toBe(200);
  });

  test('an API key stops working when it expires', async () => {
    const { api, id } = await service.newKey({ expires_at: new Date(Date.now() + 60_000).toISOString() });
    expect((await api.get('/connections')).status).toBe(200);
    // Long enough for the key to be made before it expires, also on a busy machine.
    const brief = await service.newKey({ expires_at: new Date(Date.now() + 3000).toISOString() });
    const poll = { timeout: 20_000 };
    await expect.poll(async () => (await brief.api.get('/connections')).status, poll).toBe(401);
    expect((await list()).map((key) => key.id)).toContain(id);
  });
});

describe('DELETE /admin/api-keys/{id}', () => {
  test('a revoked API key gives 401 in every process', async () => {
    const { dataDir, env } = service.stack;
    const second = await startBroker({ dataDir: `${dataDir}-2`, env });
    try {
      const { id, key, api } = await service.newKey();
      const elsewhere = service.as(key, second.url);
      // Both processes have cached the key now.
      expect([(await api.get('/connections')).status, (await elsewhere.get('/connections')).status]).toEqual([
        200, 200,
      ]);
      expect((await service.api.delete(`/admin/api-keys/${id}`)).status).toBe(204);
      expect((await api.get('/connections')).status).toBe(401);
      await expect.poll(async () => (await elsewhere.get('/connections')).status).toBe(401);
      expect((await list()).find((one) => one.id === id)?.revoked_at).toEqual(expect.any(String));
    } finally {
      await second.stop();
    }
  });

  test('revoking an unknown API key, or one with more rights than the caller, gives 404', async () => {
    const wide = await service.newKey();
    const narrow = await service.newKey({ organizations: ['acme'], global: false });
    expect((await list(narrow.api)).map(({ id }) => id)).toContain(narrow.id);
    expect((await list(narrow.api)).map(({ id }) => id)).not.toContain(wide.id);
    for (const id of [wide.id, 'unknown', '01980c30-0a5e-7d10-9a55-3c9d7e8f1b23']) {
      const response = await narrow.api.delete(`/admin/api-keys/${id}`);
      expect(response).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await wide.api.get('/connections')).status).toBe(200);
  });

  test('cascade=true ends the keys that the key made; without it they stay', async () => {
    const parent = await service.newKey({ expires_at: '2035-01-31T12:00:00.000Z' });
    const make = async (api: Api) => {
      const { body } = await create({ ...minimal, permissions: everyPermission }, api);
      expect(body.expires_at).toBe('2035-01-31T12:00:00.000Z');
      return { id: String(body.id), api: service.as(String(body.key)) };
    };
    const [child, sibling] = [await make(parent.api), await make(parent.api)];
    const grandchild = await make(child.api);
    const works = async ({ api }: { api: Api }) =>
      (await api.get('/connections', { organization: 'acme' })).status === 200;
    expect((await service.api.delete(`/admin/api-keys/${sibling.id}`)).status).toBe(204);
    expect((await service.api.delete(`/admin/api-keys/${parent.id}`)).status).toBe(204);
    expect([await works(parent), await works(child), await works(grandchild)]).toEqual([false, true, true]);
    expect((await service.api.delete(`/admin/api-keys/${parent.id}?cascade=true`)).status).toBe(204);
    expect([await works(child), await works(grandchild)]).toEqual([false, false]);
    expect((await service.api.delete(`/admin/api-keys/${parent.id}?cascade=true`)).status).toBe(404);
  });

  test('a later expires_at than that of the maker is cut to it', async () => {
    const parent = await service.newKey({ expires_at: '2035-01-31T12:00:00.000Z' });
    const { status, body } = await create({ ...minimal, expires_at: '2036-01-01T00:00:00Z' }, parent.api);
    expect([status, body.expires_at]).toEqual([201, '2035-01-31T12:00:00.000Z']);
  });

  test.each([
    [5, undefined, 5],
    [5, null, 5],
    [5, 9, 5],
    [5, 3, 3],
    [null, 9, 9],
    [null, undefined, null],
  ])('a maker with the rate limit %s that asks for %s makes a key with %s', async (own, asked, expected) => {
    const { api } = await service.newKey({ rate_limit_per_minute: own });
    const { status, body } = await create({ ...minimal, rate_limit_per_minute: asked }, api);
    expect([status, body.rate_limit_per_minute]).toEqual([201, expected]);
  });
});
