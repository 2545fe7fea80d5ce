import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

interface Grant {
  [member: string]: unknown;
  grant_id: string;
}
const importTokens = ({ path }: TestConnection, body: unknown, organization?: string) =>
  service.api.post(`${path}/grants`, body, { organization });
const list = async ({ path }: TestConnection, organization?: string) =>
  (await service.api.get(`${path}/grants`, { organization })).body.grants as Grant[];
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe('POST /connections/{name}/grants', () => {
  test('an imported grant is returned as the list shows it', async () => {
    const connection = await addConnection(service);
    const expires_at = inAnHour();
    const tokens = { access_token: 'a-token', refresh_token: 'r-token', expires_at, scopes: 'read, write' };
    const { status, body, text } = await importTokens(connection, tokens);
    expect(status).toBe(201);
    expect(body).toEqual({
      grant_id: expect.any(String),
      subject: null,
      account_id: null,
      account_name: null,
      account_verified: false,
      status: 'completed',
      status_reason: null,
      next_action: 'none',
      refreshable: true,
      warnings: [{ code: 'never_refreshed', message: expect.any(String) }],
      last_error: null,
      health: null,
      scopes: ['read', 'write'],
      expires_at,
      refresh_expires_at: null,
      last_refresh_at: null,
      next_refresh_at: expect.any(String),
    });
    expect(text).not.toMatch(/a-token|r-token/);
    expect(await list(connection)).toEqual([body]);
  });

  test('a credential returns the imported extra and token type, never the refresh token', async () => {
    const connection = await addConnection(service);
    const extra = { instance_url: 'https://eu.example', nested: { list: [1, null, 'x'] } };
    await importTokens(connection, { access_token: 'a-token', refresh_token: 'r-token', extra, expires_in: 3600 });
    const { body, text } = await service.api.get(connection.credential);
    expect(body).toMatchObject({ access_token: 'a-token', token_type: 'Bearer', extra });
    expect(text).not.toContain('r-token');
  });

  test('an import with expires_in expires that many seconds later; without an expiry it is unknown', async () => {
    const connection = await addConnection(service);
    const { body } = await importTokens(connection, { access_token: 'a', expires_in: 600 });
    const seconds = (Date.parse(body.expires_at) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(580);
    expect(seconds).toBeLessThanOrEqual(600);
    expect((await importTokens(connection, { access_token: 'a' })).body).toMatchObject({
      expires_at: null,
      next_refresh_at: null,
    });
    expect((await service.api.get(connection.credential)).body).toMatchObject({ access_token: 'a', expires_at: null });
  });

  test('an import without scopes gets the scopes of the connection', async () => {
    const connection = await addConnection(service);
    const { body } = await importTokens(connection, { access_token: 'a', expires_in: 600 });
    expect(body.scopes).toEqual(['openid', 'profile', 'offline_access']);
  });

  test('an imported refresh token without an access token is used by the first credential request', async () => {
    const connection = await addConnection(service);
    const { refreshToken } = await service.provider.issueTokens(connection.clientId, 'ada');
    expect((await importTokens(connection, { refresh_token: refreshToken })).status).toBe(201);
    const { status, body } = await service.api.get(connection.credential);
    expect(status).toBe(200);
    expect(await service.provider.accepts(body.access_token)).toBe(true);
  });

  test('an import replaces the grant of the same subject and account, and no other', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    const keys = [{}, { subject: 'u1' }, { account_id: 'a1' }, { subject: 'u1', account_id: 'a1' }];
    for (const key of keys) expect((await importTokens(connection, { access_token: 'old', ...key })).status).toBe(201);
    const before = await list(connection);
    expect(before).toHaveLength(4);
    for (const key of keys) {
      const { body } = await importTokens(connection, { access_token: 'new', ...key });
      expect(before.map(({ grant_id }) => grant_id)).toContain(body.grant_id);
    }
    expect(await list(connection)).toHaveLength(4);
    const { body } = await service.api.get(`${connection.credential}?subject=u1&account_id=a1`);
    expect(body.access_token).toBe('new');
  });

  test('without multi_account, an import for another account replaces the grant of the subject', async () => {
    const connection = await addConnection(service);
    await importTokens(connection, { access_token: 'old', account_id: 'a1' });
    await importTokens(connection, { access_token: 'new', account_id: 'a2' });
    expect(await list(connection)).toMatchObject([{ account_id: 'a2' }]);
    expect((await service.api.get(connection.credential)).body.access_token).toBe('new');
  });

  test('an import makes a revoked grant usable again', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    await service.api.post(`${connection.path}/revoke`);
    expect((await importTokens(connection, { access_token: 'fresh' })).body).toMatchObject({
      status: 'completed',
      status_reason: null,
    });
    expect((await service.api.get(connection.credential)).status).toBe(200);
  });

  test.each<[path: string, body: Record<string, unknown>]>([
    ['access_token', {}],
    ['access_token', { access_token: '', refresh_token: 'r' }],
    ['access_token', { access_token: 'a\r\nX-Injected: 1' }],
    ['refresh_token', { refresh_token: 'ä' }],
    ['expires_in', { access_token: 'a', expires_in: 600, expires_at: '2030-01-31T12:00:00Z' }],
    ['expires_in', { access_token: 'a', expires_in: -1 }],
    ['expires_in', { access_token: 'a', expires_in: '600' }],
    ['expires_at', { access_token: 'a', expires_at: 'tomorrow' }],
    ['expires_at', { access_token: 'a', expires_at: '2030-01-31T12:00:00' }],
    ['subject', { access_token: 'a', subject: '' }],
    ['account_id', { access_token: 'a', account_id: '' }],
    ['scopes', { access_token: 'a', scopes: {} }],
    ['extra', { access_token: 'a', extra: [] }],
    ['extra', { access_token: 'a', extra: { deep: 'x'.repeat(20_000) } }],
    ['status', { access_token: 'a', status: 'completed' }],
  ])('an import with a fault at %s is refused and not stored: %j', async (path, body) => {
    const connection = await addConnection(service);
    const response = await importTokens(connection, body);
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    expect(await list(connection)).toEqual([]);
  });
});

describe('GET and DELETE /connections/{name}/grants', () => {
  test('an organisation lists and deletes only its own grants of a global connection', async () => {
    const connection = await addConnection(service);
    const shared = await importTokens(connection, { access_token: 'shared' });
    const acme = await importTokens(connection, { access_token: 'acme' }, 'acme');
    expect(await list(connection)).toEqual([shared.body]);
    expect(await list(connection, 'acme')).toEqual([acme.body]);
    expect(await list(connection, 'globex')).toEqual([]);
    for (const grant of [shared, acme]) {
      const path = `${connection.path}/grants/${grant.body.grant_id}`;
      const response = await service.api.delete(path, { organization: 'globex' });
      expect(response).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    }
    expect([...(await list(connection)), ...(await list(connection, 'acme'))]).toHaveLength(2);
  });

  test('after deleting the own grant, the shared grant serves again and a second delete gives 404', async () => {
    const connection = await addConnection(service);
    await importTokens(connection, { access_token: 'shared' });
    const own = await importTokens(connection, { access_token: 'own' }, 'acme');
    const path = `${connection.path}/grants/${own.body.grant_id}`;
    expect((await service.api.delete(path, { organization: 'acme' })).status).toBe(204);
    const { body } = await service.api.get(connection.credential, { organization: 'acme' });
    expect(body).toMatchObject({ access_token: 'shared', grant_organization_id: null });
    const again = await service.api.delete(path, { organization: 'acme' });
    expect(again).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
  });

  test('a grant cannot be deleted through another connection', async () => {
    const [connection, other] = [await addConnection(service), await addConnection(service)];
    const { body } = await importTokens(connection, { access_token: 'a' });
    expect((await service.api.delete(`${other.path}/grants/${body.grant_id}`)).status).toBe(404);
    expect((await service.api.delete(`${connection.path}/grants/nonsense`)).body.code).toBe('grant_not_found');
    for (const [method, path, sent] of [
      ['GET', '/connections/absent/grants', undefined],
      ['POST', '/connections/absent/grants', { access_token: 'a' }],
      ['DELETE', `/connections/absent/grants/${body.grant_id}`, undefined],
    ] as const)
      expect((await service.api.call(method, path, { body: sent })).body.code).toBe('connection_not_found');
    expect(await list(connection)).toHaveLength(1);
  });
});

describe('GET /connections/{name}/grants', () => {
  test('pages of any size hold every grant once, in order of creation, also below filters', async () => {
    const connection = await addConnection(service);
    const subjects = ['ann', 'bob', 'Anna', 'eve', 'joann'];
    for (const subject of subjects) await importTokens(connection, { subject, access_token: 'a', refresh_token: 'r' });
    await service.api.post(`${connection.path}/revoke`, { subject: 'eve' });
    async function pages(query: string): Promise<unknown[]> {
      const found: unknown[] = [];
      for (let cursor = ''; ; ) {
        const response = await service.api.get(`${connection.path}/grants?${query}&cursor=${cursor}`);
        expect(response.status).toBe(200);
        const page = response.body as unknown as { grants: Grant[]; next_cursor: string | null };
        found.push(...page.grants.map(({ subject }) => subject));
        if (page.next_cursor === null) return found;
        cursor = page.next_cursor;
      }
    }
    for (const limit of [1, 2, 5, 200]) {
      expect(await pages(`limit=${limit}`)).toEqual(subjects);
      expect(await pages(`limit=${limit}&q=ANN`)).toEqual(['ann', 'Anna', 'joann']);
      expect(await pages(`limit=${limit}&status=failed`)).toEqual(['eve']);
      expect(await pages(`limit=${limit}&subject=bob`)).toEqual(['bob']);
    }
  });

  test.each(['limit=0', 'limit=201', 'status=unknown', 'cursor=x', 'cursor=WzEsMl0', 'sort=id'])(
    'the query %s is refused',
    async (query) => {
      const connection = await addConnection(service);
      expect((await service.api.get(`${connection.path}/grants?${query}`)).status).toBe(400);
    },
  );

  test('one grant is read by its id below its connection, and by its owner only', async () => {
    const connection = await addConnection(service);
    const other = await addConnection(service);
    const { body } = await importTokens(connection, { access_token: 'a', refresh_token: 'r' });
    const path = `/grants/${body.grant_id}`;
    expect(await service.api.get(`${connection.path}${path}`)).toMatchObject({ status: 200, body });
    for (const elsewhere of [`${other.path}${path}`, `${connection.path}/grants/no-id`]) {
      expect(await service.api.get(elsewhere)).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    }
    expect((await service.api.get(`${connection.path}${path}`, { organization: 'stranger' })).status).toBe(404);
  });
});
