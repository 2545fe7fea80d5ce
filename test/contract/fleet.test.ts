import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
const acme = uniqueName('acme');
let connection: TestConnection;
let shared: TestConnection;
let working: string;
let revoked: string;

beforeAll(async () => {
  service = await openService();
  connection = await addConnection(service, { organization: acme, body: { authorize_params: { secret_hint: 'x' } } });
  working = (await importGrant(service, connection, 3600)).grantId;
  const { body } = await service.api.post(
    `${connection.path}/grants`,
    { access_token: 'a', refresh_token: 'r', expires_in: 3600, subject: 'Person-7' },
    { organization: acme },
  );
  revoked = String(body.grant_id);
  await service.api.post(`${connection.path}/revoke`, { subject: 'Person-7' }, { organization: acme });
  shared = await addConnection(service);
});
afterAll(() => service?.close());

interface Answer {
  grants: { grant_id: string }[];
  connections: { id: string }[];
  next_cursor: string | null;
  errors?: unknown;
}
const get = async (path: string, status = 200) => {
  const response = await service.api.get(path);
  expect(response.status, response.text).toBe(status);
  return response.body as unknown as Answer;
};
const consoleUrlOf = (name: string) => `${service.broker.url}/console/connections/${name}`;
const idsOf = (page: Answer) => page.grants.map(({ grant_id }) => grant_id).sort();

describe('GET /admin/grants', () => {
  test('grants of every organisation are listed with their owner and connection', async () => {
    const { grants, next_cursor } = await get('/admin/grants');
    expect(next_cursor).toBeNull();
    expect(grants).toHaveLength(2);
    expect(grants.find(({ grant_id }) => grant_id === working)).toMatchObject({
      organization_id: acme,
      connection_name: connection.name,
      connection_organization_id: acme,
      provider: 'generic',
      status: 'completed',
      next_action: 'none',
      console_url: `${consoleUrlOf(connection.name)}/grants/${working}?organization=${acme}`,
    });
  });

  test.each([
    ['organization_id=ORG', ['working', 'revoked']],
    ['organization_id=nobody', []],
    ['connection_name=NAME', ['working', 'revoked']],
    ['provider=generic', ['working', 'revoked']],
    ['provider=slack', []],
    ['status=completed', ['working']],
    ['status=failed', ['revoked']],
    ['status=waiting_callback', []],
    ['status_reason=revoked', ['revoked']],
    ['next_action=authorize', ['revoked']],
    ['next_action=none', ['working']],
    ['expires_before=2000-01-01T00:00:00Z', []],
    ['expires_before=9000-01-01T00:00:00Z', ['working']],
    ['refresh_expires_before=9000-01-01T00:00:00Z', []],
    ['q=person', ['revoked']],
    ['q=person&status=completed', []],
  ])('%s selects %j', async (query, expected) => {
    const found = await get(`/admin/grants?${query.replace('ORG', acme).replace('NAME', connection.name)}`);
    expect(idsOf(found)).toEqual(expected.map((each) => (each === 'working' ? working : revoked)).sort());
  });

  test('pages of one hold each grant once, and a cursor belongs to its filters', async () => {
    const first = await get('/admin/grants?limit=1');
    const second = await get(`/admin/grants?limit=1&cursor=${first.next_cursor}`);
    expect([...idsOf(first), ...idsOf(second)].sort()).toEqual([working, revoked].sort());
    expect(second.next_cursor).toBeNull();
    const foreign = await get(`/admin/grants?status=failed&cursor=${first.next_cursor}`, 400);
    expect(foreign.errors).toMatchObject([{ path: 'query.cursor' }]);
  });

  test('a grant is read with its history of consents', async () => {
    const grant = await get(`/admin/grants/${revoked}`);
    expect(grant).toMatchObject({
      organization_id: acme,
      status: 'failed',
      status_reason: 'revoked',
      console_url: `${consoleUrlOf(connection.name)}/grants/${revoked}?organization=${acme}`,
      revoked_by: 'bootstrap',
      consents: [{ how: 'import', ended_by: 'revoked' }],
    });
    await get('/admin/grants/none', 404);
    await get('/admin/grants/00000000-0000-7000-8000-000000000000', 404);
  });
});

describe('GET /admin/connections', () => {
  test('connections of every owner are listed, with the status that the owner sees', async () => {
    expect((await get('/admin/connections')).connections).toHaveLength(2);
    const { connections } = await get(`/admin/connections?organization_id=${acme}`);
    const console_url = `${consoleUrlOf(connection.name)}?organization=${acme}`;
    expect(connections).toMatchObject([{ connection_name: connection.name, status: 'completed', console_url }]);
    expect((await get('/admin/connections?status=not_connected')).connections).toMatchObject([
      { organization_id: null, console_url: `${consoleUrlOf(shared.name)}?organization=` },
    ]);
    expect((await get('/admin/connections?provider=slack')).connections).toEqual([]);
    expect((await get(`/admin/connections?q=${connection.name.toUpperCase()}`)).connections).toHaveLength(1);
  });

  test('the detail has neither secrets nor parameters, and counts the grants', async () => {
    const [found] = (await get(`/admin/connections?organization_id=${acme}`)).connections;
    const { text, body } = await service.api.get(`/admin/connections/${found?.id}`);
    expect(body).toMatchObject({
      client_id: connection.clientId,
      has_client_secret: true,
      console_url: `${consoleUrlOf(connection.name)}?organization=${acme}`,
      grants: { by_status: { not_connected: 0, completed: 1, failed: 1 }, complete: true },
    });
    for (const hidden of [connection.clientSecret, 'secret_hint', 'authorize_params', 'token_params']) {
      expect(text).not.toContain(hidden);
    }
    await get('/admin/connections/none', 404);
  });
});

describe('GET /admin/stats', () => {
  test('the sums name each status, reason and provider, and who must act', async () => {
    expect(await get('/admin/stats')).toMatchObject({
      total: 2,
      by_status: { not_connected: 0, completed: 1, failed: 1 },
      by_next_action: { authorize: 1, reconfigure: 0, wait: 0, none: 1 },
      by_provider: [{ provider: 'generic', total: 2, by_status: { completed: 1, failed: 1 } }],
      by_reason: [{ status_reason: 'revoked', total: 1 }],
      due_soon: { count: 1, complete: true },
      failing: { count: 0, complete: true },
      refresh_tokens_expiring: { count: 0, complete: true },
    });
  });

  test('an unknown parameter is refused', async () => {
    await get('/admin/stats?organization_id=acme', 400);
    await get('/admin/grants?reason=revoked', 400);
  });

  test('admin:read is needed', async () => {
    const { api } = await service.newKey({ permissions: ['connections:read', 'admin:write'] });
    for (const path of ['stats', 'grants', `grants/${working}`, 'connections']) {
      expect((await api.get(`/admin/${path}`)).status).toBe(403);
    }
  });
});
