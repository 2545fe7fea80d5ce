import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { startBroker } from '../support/broker-process.ts';
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
const least = { name: 'a key', permissions: ['credentials:read'], organizations: ['acme'] };

describe('POST /admin/api-keys', () => {
  test('201: the key this once, and what it may do', async () => {
    const whole = { ...least, global: true, connections: ['crm*', 'mail'], expires_at: '2035-01-31T12:00:00.000Z' };
    const { status, body, headers } = await create(whole);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/admin/api-keys/${body.id}`);
    expect(body).toEqual({
      ...whole,
      ...{ id: expect.any(String), key: expect.stringMatching(/^\S{43,}$/), created_by: 'bootstrap' },
      ...{ created_at: expect.stringMatching(/Z$/), last_used_at: null, revoked_at: null },
    });
    const { key, ...shown } = body;
    const listed = await service.api.get('/admin/api-keys');
    expect((listed.body.api_keys as ApiKey[]).find(({ id }) => id === body.id)).toEqual(shown);
    expect(listed.text).not.toContain(String(key).split('_').at(-1));
  });

  test('the least there can be', async () => {
    const { body } = await create(least);
    expect(body).toMatchObject({ ...least, global: false, connections: null, expires_at: null });
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
    ['key', { key: 'chosen' }],
  ])('400 naming %s for %j', async (path, change) => {
    const answer = await create({ ...least, ...change });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  test.each<[string, Record<string, unknown>]>([
    ['another permission', { permissions: ['admin:write', 'connections:write'] }],
    ['another organisation', { organizations: ['acme', 'globex'] }],
    ['every organisation', { organizations: '*' }],
    ['the global scope', { global: true }],
    ['more connections', { connections: ['*'] }],
    ['every connection', { connections: undefined }],
    ['connections that its maker’s pattern only begins', { connections: ['crm', 'cr*'] }],
  ])('403 for a key with %s than its maker, and none is made', async (_what, more) => {
    const own = { permissions: ['admin:write', 'admin:read'], organizations: ['acme'], connections: ['crm*'] };
    const { api } = await service.newKey({ ...own, global: false });
    expect((await create({ name: 'as much', ...own }, api)).status).toBe(201);
    const before = await list();
    const answer = await create({ name: 'more', ...own, ...more }, api);
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await list()).toHaveLength(before.length);
  });
});

describe('a key', () => {
  test('opens what its permissions name, and is told which one it lacks elsewhere', async () => {
    const { path, credential } = await addConnection(service);
    await service.api.post(`${path}/grants`, { access_token: 'live', refresh_token: 'r', expires_in: 3600 });
    const grants = (await service.api.get(`${path}/grants`)).body.grants as { grant_id: string }[];
    const calls: [permission: string, method: string, path: string, body?: unknown][] = [
      ['connections:read', 'GET', '/connections'],
      ['connections:read', 'GET', path],
      ['connections:read', 'GET', `${path}/grants`],
      ['connections:read', 'GET', '/providers'],
      ['connections:read', 'GET', '/providers/google'],
      ['connections:read', 'GET', `/authorizations/${'a'.repeat(43)}`],
      ['connections:authorize', 'POST', `${path}/authorize`],
      ['connections:authorize', 'POST', `${path}/cancel`],
      ['connections:authorize', 'POST', `${path}/test`],
      ['connections:authorize', 'POST', `${path}/refresh`],
      ['credentials:read', 'GET', credential],
      ['credentials:read', 'POST', `${credential}/renew`, { rejected_token: 'x' }],
      ['admin:read', 'GET', '/admin/api-keys'],
      ['admin:write', 'POST', '/admin/api-keys', { ...least, permissions: ['admin:write'] }],
      ['admin:write', 'DELETE', '/admin/api-keys/none'],
      ['connections:write', 'POST', '/connections', {}],
      ['connections:write', 'POST', `${path}/grants`, { access_token: 'live' }],
      ['connections:write', 'PATCH', path, {}],
      ['connections:write', 'PUT', path, {}],
      ['connections:write', 'POST', `${path}/revoke`],
      ['connections:write', 'DELETE', `${path}/grants/${grants[0]?.grant_id}`],
      ['connections:write', 'DELETE', path],
    ];
    // Refusals first: the last call that is let through deletes the connection.
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

  test('of some connections reads no other’s tokens, and their configuration none the less', async () => {
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
    // Whether a name exists is not told either.
    expect((await api.get(`/credentials/absent-${prefix}`)).body.code).toBe('forbidden');
    expect((await api.get(`/connections/x${prefix}`)).status).toBe(200);
  });

  test('ends when it expires', async () => {
    const { api, id } = await service.newKey({ expires_at: new Date(Date.now() + 60_000).toISOString() });
    expect((await api.get('/connections')).status).toBe(200);
    const brief = await service.newKey({ expires_at: new Date(Date.now() + 400).toISOString() });
    await expect.poll(async () => (await brief.api.get('/connections')).status).toBe(401);
    expect((await list()).map((key) => key.id)).toContain(id);
  });
});

describe('DELETE /admin/api-keys/{id}', () => {
  test('204, and from then on 401, in a second process too', async () => {
    const { dataDir, env } = service.stack;
    const second = await startBroker({ dataDir: `${dataDir}-2`, env });
    try {
      const { id, key, api } = await service.newKey();
      const elsewhere = service.as(key, second.url);
      // Both have it in their caches now.
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

  test('404 for an unknown one, and for one that is wider than whoever asks', async () => {
    const wide = await service.newKey();
    const narrow = await service.newKey({ organizations: ['acme'], global: false });
    expect((await list(narrow.api)).map(({ id }) => id)).toContain(narrow.id);
    expect((await list(narrow.api)).map(({ id }) => id)).not.toContain(wide.id);
    for (const id of [wide.id, 'unknown', '01980c30-0a5e-7d10-9a55-3c9d7e8f1b23']) {
      const answer = await narrow.api.delete(`/admin/api-keys/${id}`);
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await wide.api.get('/connections')).status).toBe(200);
  });
});
