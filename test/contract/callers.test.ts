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

describe('401', () => {
  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer nonsense',
    'Basic dXNlcjpwYXNz',
    `Bearer tb_01980c30-0a5e-7d10-9a55-3c9d7e8f1b23_${'a'.repeat(43)}`,
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    `Bearer ${'a'.repeat(9000)}`,
  ])('for the header %j, with a challenge', async (authorization) => {
    const answer = await withAuthorization(authorization);
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  test('for another secret of a real key, and for its id alone', async () => {
    const { key } = await service.newKey();
    const secret = key.split('_').at(-1) ?? '';
    const last = secret.endsWith('A') ? 'E' : 'A';
    for (const forged of [`${key.slice(0, -1)}${last}`, key.slice(0, -secret.length), `${key}x`])
      expect((await withAuthorization(`Bearer ${forged}`)).status).toBe(401);
    expect((await withAuthorization(`bearer ${key}`)).status).toBe(200);
  });

  test('before anything is said of the request itself', async () => {
    for (const path of ['/connections/a%20b', '/connections?limit=x', '/credentials/absent', '/admin/api-keys'])
      expect((await withAuthorization('Bearer nonsense', path)).status).toBe(401);
    const answer = await service.as('nonsense').post('/connections', { nonsense: true });
    expect(answer.status).toBe(401);
  });

  test('nowhere on public routes', async () => {
    for (const path of ['/health', '/livez', '/readyz', '/openapi.json'])
      expect((await withAuthorization('Bearer nonsense', path)).status).toBe(200);
    const docs = await fetch(`${service.broker.url}/docs`);
    expect(docs.status).toBe(200);
  });
});

describe('X-Organization-Id', () => {
  test.each(['acme', 'A-1', '_x', '-x', 'a.b:c@d-e_f', '0', 'a'.repeat(100)])('%s is one', async (organization) => {
    expect((await service.api.get('/connections', { organization })).status).toBe(200);
  });

  test.each(['', '.hidden', ':x', '@x', 'a b', 'a/b', 'a,b', '*', 'a'.repeat(101), "a'--"])(
    '%j is none: 400',
    async (organization) => {
      const answer = await service.api.get('/connections', { organization });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'header.X-Organization-Id' }] } });
    },
  );

  test('403 for an organisation that the caller may not act for', async () => {
    const { api } = await service.newKey({ organizations: ['acme', 'globex'], global: true });
    expect((await api.get('/connections', { organization: 'globex' })).status).toBe(200);
    const answer = await api.get('/connections', { organization: 'initech' });
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  test('absent: the global scope, for whoever has a right to it', async () => {
    const { name } = await addConnection(service);
    const { api } = await service.newKey({ organizations: ['acme'], global: true });
    const { body } = await api.post('/connections', newConnection);
    expect(body.organization_id).toBeNull();
    expect((await api.get(`/connections/${name}`)).body.organization_id).toBeNull();
  });

  test('absent: the only organisation of a key that has exactly one and not the global scope', async () => {
    const { api } = await service.newKey({ organizations: ['hooli'], global: false });
    expect((await api.post('/connections', newConnection)).body.organization_id).toBe('hooli');
    expect((await service.api.get(`/connections/${newConnection.connection_name}`)).status).toBe(200);
    expect((await api.get('/connections', { organization: 'acme' })).status).toBe(403);
  });

  test.each([{ organizations: ['acme', 'globex'] }, { organizations: '*' }])(
    'absent: 403 for a key of %j without the global scope',
    async ({ organizations }) => {
      const { api } = await service.newKey({ organizations, global: false });
      expect(await api.get('/connections')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect((await api.get('/connections', { organization: 'acme' })).status).toBe(200);
    },
  );

  test('a right to the global scope alone is none to an organisation', async () => {
    const { api } = await service.newKey({ organizations: [], global: true });
    expect((await api.get('/connections')).status).toBe(200);
    expect((await api.get('/connections', { organization: 'acme' })).status).toBe(403);
  });
});

describe('request ids', () => {
  test('the caller’s own comes back where it is harmless, else one of the service’s', async () => {
    const answer = await service.api.get('/connections/absent', { headers: { 'x-request-id': 'trace-1.2' } });
    expect(answer.body.instance).toBe('trace-1.2');
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
