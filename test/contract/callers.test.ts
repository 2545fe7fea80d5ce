import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const withAuthorization = (authorization: string, path = '/connections') =>
  service.api.get(path, { headers: { authorization } });

describe('authentication', () => {
  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer nonsense',
    'Basic dXNlcjpwYXNz',
    `Bearer tb_01980c30-0a5e-7d10-9a55-3c9d7e8f1b23_${'a'.repeat(43)}`,
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    `Bearer ${'a'.repeat(9000)}`,
  ])('the Authorization header %j gives 401 with a challenge', async (authorization) => {
    const response = await withAuthorization(authorization);
    expect(response).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  test('a key with a wrong secret, and the id of a key alone, give 401', async () => {
    const { key } = await service.newKey();
    const secret = key.split('_').at(-1) ?? '';
    const last = secret.endsWith('A') ? 'E' : 'A';
    for (const forged of [`${key.slice(0, -1)}${last}`, key.slice(0, -secret.length), `${key}x`])
      expect((await withAuthorization(`Bearer ${forged}`)).status).toBe(401);
    expect((await withAuthorization(`bearer ${key}`)).status).toBe(200);
  });

  test('an unauthenticated request gives 401 before its path, query or body is checked', async () => {
    for (const path of ['/connections/a%20b', '/connections?limit=x', '/credentials/absent', '/admin/api-keys'])
      expect((await withAuthorization('Bearer nonsense', path)).status).toBe(401);
    const response = await service.as('nonsense').post('/connections', { nonsense: true });
    expect(response.status).toBe(401);
  });

  test('public routes ignore a wrong key', async () => {
    for (const path of ['/health', '/livez', '/readyz', '/openapi.json'])
      expect((await withAuthorization('Bearer nonsense', path)).status).toBe(200);
    const docs = await fetch(`${service.broker.url}/docs`);
    expect(docs.status).toBe(200);
  });
});

describe('X-Organization-Id', () => {
  test.each(['acme', 'A-1', '_x', '-x', 'a.b:c@d-e_f', '0', 'a'.repeat(100)])(
    'the organisation id %s is accepted',
    async (organization) => {
      expect((await service.api.get('/connections', { organization })).status).toBe(200);
    },
  );

  test.each(['', '.hidden', ':x', '@x', 'a b', 'a/b', 'a,b', '*', 'a'.repeat(101), "a'--"])(
    'the organisation id %j is refused',
    async (organization) => {
      const response = await service.api.get('/connections', { organization });
      expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'header.X-Organization-Id' }] } });
    },
  );

  test('an organisation that the key does not have gives 403', async () => {
    const { api } = await service.newKey({ organizations: ['acme', 'globex'], global: true });
    expect((await api.get('/connections', { organization: 'globex' })).status).toBe(200);
    const response = await api.get('/connections', { organization: 'initech' });
    expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  test('without X-Organization-Id, a key with the global scope acts in the global scope', async () => {
    const { name } = await addConnection(service);
    const { api } = await service.newKey({ organizations: ['acme'], global: true });
    const { body } = await api.post('/connections', newConnection);
    expect(body.organization_id).toBeNull();
    expect((await api.get(`/connections/${name}`)).body.organization_id).toBeNull();
  });

  test('without X-Organization-Id, a key with one organisation and no global scope acts for that organisation', async () => {
    const { api } = await service.newKey({ organizations: ['hooli'], global: false });
    expect((await api.post('/connections', newConnection)).body.organization_id).toBe('hooli');
    expect((await service.api.get(`/connections/${newConnection.connection_name}`)).status).toBe(200);
    expect((await api.get('/connections', { organization: 'acme' })).status).toBe(403);
  });

  test.each([{ organizations: ['acme', 'globex'] }, { organizations: '*' }])(
    'without X-Organization-Id, a key of %j without the global scope gets 403',
    async ({ organizations }) => {
      const { api } = await service.newKey({ organizations, global: false });
      expect(await api.get('/connections')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect((await api.get('/connections', { organization: 'acme' })).status).toBe(200);
    },
  );

  test('a key with the global scope alone cannot act for an organisation', async () => {
    const { api } = await service.newKey({ organizations: [], global: true });
    expect((await api.get('/connections')).status).toBe(200);
    expect((await api.get('/connections', { organization: 'acme' })).status).toBe(403);
  });
});

describe('request ids', () => {
  test('a request id that is safe to log is returned, any other is replaced', async () => {
    const response = await service.api.get('/connections/absent', { headers: { 'x-request-id': 'trace-1.2' } });
    expect(response.body.instance).toBe('trace-1.2');
    const other = await service.api.get('/connections/absent', { headers: { 'x-request-id': '<svg onload=x>' } });
    expect(other.body.instance).not.toContain('svg');
  });
});

const newConnection = {
  connection_name: 'implied',
  client_id: 'client',
  authorization_url: 'https://provider.example/authorize',
  token_url: 'https://provider.example/token',
};
