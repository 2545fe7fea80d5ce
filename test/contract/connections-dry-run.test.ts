import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, startAuthorization, type TestConnection } from '../e2e/connections.ts';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
let database: Client;
beforeAll(async () => {
  service = await openService({ HEALTH_CHECK_INTERVAL_MINUTES: '60' });
  database = new Client({ connectionString: service.stack.env.DATABASE_URL });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await service?.close();
});

const nothing = {
  grants_disconnected: 0,
  organizations_disconnected: 0,
  authorizations_voided: 0,
  workflows_disabled: 0,
  revoked_at_provider: false,
  client_secret_required: false,
};
const dry = (path: string, query = '') => `${path}?dry_run=true${query}`;
const newBody = () => ({
  connection_name: uniqueName(),
  client_id: 'client',
  client_secret: 'a-secret',
  authorization_url: 'https://provider.example/authorize',
  token_url: 'https://provider.example/token',
});

/** Every row that a change of connections can write. The use of an API key is no part of it. */
async function rows(): Promise<unknown> {
  const tables = [
    'connections',
    'grants',
    'authorizations',
    'audit_events',
    'client_refusals',
    'pending_revocations',
    'workflow_dependencies',
    'workflow_states',
  ];
  const read = (table: string) =>
    database.query(`select to_jsonb(t) - 'lease_until' as row from ${table} t order by 1`);
  const results = [];
  for (const table of tables) results.push((await read(table)).rows);
  return results;
}

async function connected(organizations: (string | undefined)[] = [undefined]): Promise<TestConnection> {
  const connection = await addConnection(service, { body: { description: 'before' } });
  for (const organization of organizations)
    await importGrant(service, { ...connection, organization }, 3600, { subject: 'ada' });
  return connection;
}

describe('a dry run', () => {
  test('of a creation lists each field, hides the secret and creates nothing', async () => {
    const body = { ...newBody(), description: 'new' };
    const before = await rows();
    const response = await service.api.post(dry('/connections'), body);
    expect(response).toMatchObject({ status: 200, body: { effects: nothing, warnings: [] } });
    const { changes } = response.body as unknown as { changes: Change[] };
    expect(changes).toContainEqual({ field: 'description', from: null, to: 'new' });
    const fingerprint = expect.stringMatching(/^[\w-]{43}$/);
    expect(changes).toContainEqual({ field: 'client_secret', changed: true, fingerprint });
    for (const { from } of changes.filter(({ field }) => field !== 'client_secret')) expect(from).toBeNull();
    expect(response.text).not.toContain('a-secret');
    expect(await rows()).toEqual(before);
    expect((await service.api.post('/connections', body)).status).toBe(201);
  });

  test('of a client_credentials connection calls no provider', async () => {
    const token_url = `${service.hostile.origin}/never`;
    const body = { ...newBody(), oauth_flow_type: 'client_credentials', authorization_url: undefined, token_url };
    expect((await service.api.post(dry('/connections'), body)).status).toBe(200);
    expect(service.hostile.received.filter(({ path }) => path === '/never')).toEqual([]);
  });

  test('of a deletion counts what would end and ends nothing', async () => {
    const connection = await connected([undefined, 'acme']);
    await startAuthorization(service, connection);
    const before = await rows();
    const response = await service.api.delete(dry(connection.path));
    const effects = {
      ...nothing,
      grants_disconnected: 2,
      organizations_disconnected: 2,
      authorizations_voided: 1,
      revoked_at_provider: true,
    };
    expect(response).toMatchObject({ status: 200, body: { effects } });
    expect(response.body.changes).toContainEqual({ field: 'description', from: 'before', to: null });
    expect(await rows()).toEqual(before);
  });

  test('of a moved revocation_url says that a deletion would revoke nothing at the provider', async () => {
    const connection = await connected();
    await service.api.patch(connection.path, { revocation_url: 'https://elsewhere.example/revoke' });
    const { body } = await service.api.delete(dry(connection.path));
    expect(body.effects).toMatchObject({ grants_disconnected: 1, revoked_at_provider: false });
  });

  test('without the client secret says that it is required, and counts the working grants', async () => {
    const connection = await connected([undefined, 'acme']);
    const edit = { client_id: 'another' };
    const { status, body } = await service.api.patch(dry(connection.path), edit);
    const ended = { grants_disconnected: 2, organizations_disconnected: 2 };
    const effects = { ...nothing, ...ended, client_secret_required: true };
    expect([status, body.effects]).toEqual([200, effects]);
    const complete = await service.api.patch(dry(connection.path), { ...edit, client_secret: 'new' });
    expect(complete.body.effects).toEqual({ ...effects, client_secret_required: false });
  });

  test.each<[string, number, (connection: TestConnection) => Promise<ApiResponse>]>([
    ['a wrong field', 400, ({ path }) => service.api.patch(dry(path), { colour: 'red' })],
    ['a wrong value', 400, ({ path }) => service.api.patch(dry(path), { token_url: 'ftp://x' })],
    ['a forbidden parameter', 400, ({ path }) => service.api.patch(dry(path), { token_params: { grant_type: 'x' } })],
    ['another name', 400, ({ path }) => service.api.patch(dry(path), { connection_name: 'another' })],
    ['an absent name', 404, () => service.api.delete(dry('/connections/absent'))],
    ['a global connection', 404, ({ path }) => service.api.patch(dry(path), {}, { organization: 'acme' })],
    ['an old ETag', 412, ({ path }) => service.api.patch(dry(path), {}, { headers: { 'if-match': '"old"' } })],
    [
      'a name in use',
      409,
      ({ name }) => service.api.post(dry('/connections'), { ...newBody(), connection_name: name }),
    ],
    ['a wrong dry_run', 400, ({ path }) => service.api.patch(`${path}?dry_run=yes`, {})],
  ])('is refused for %s as the real call is', async (_, status, call) => {
    expect((await call(await addConnection(service))).status).toBe(status);
  });

  test('needs the permission of the real call', async () => {
    const { path } = await addConnection(service);
    const { api } = await service.newKey({ permissions: ['connections:read', 'connections:authorize'] });
    const calls = [
      api.post(dry('/connections'), newBody()),
      api.patch(dry(path), {}),
      api.call('PUT', dry(path), { body: newBody() }),
      api.delete(dry(path)),
    ];
    for (const call of calls) expect((await call).status).toBe(403);
  });
});

type Change = { field: string; from?: unknown; to?: unknown };
const elsewhere = fc.constantFrom('https://one.example', 'https://two.example');
const patches = fc.record(
  {
    description: fc.constantFrom('before', 'after', null),
    scopes: fc.constantFrom(['openid'], ['openid', 'profile', 'offline_access'], null),
    test_url: fc.option(elsewhere.map((origin) => `${origin}/me`)),
    revocation_url: fc.option(elsewhere.map((origin) => `${origin}/revoke`)),
    token_url: elsewhere.map((origin) => `${origin}/token`),
    client_id: fc.constantFrom('one', 'two'),
    token_auth_method: fc.constantFrom('client_secret_post', null),
    multi_account: fc.boolean(),
    authorize_params: fc.constantFrom({ prompt: 'login' }, { prompt: 'consent' }, null),
    client_secret: fc.constantFrom('same', 'other'),
  },
  { requiredKeys: [] },
);

test('a real edit does what the dry run of the same edit said', async () => {
  await fc.assert(
    fc.asyncProperty(patches, fc.boolean(), fc.boolean(), async (patch, isPut, isConnected) => {
      const connection = await (isConnected ? connected([undefined, 'acme']) : addConnection(service));
      const { state } = await startAuthorization(service, connection);
      const { authorization, token } = service.provider.endpoints;
      const whole = { client_id: connection.clientId, authorization_url: authorization, token_url: token };
      const body = isPut ? { ...whole, ...patch } : patch;
      const send = (query: string) =>
        service.api.call(isPut ? 'PUT' : 'PATCH', `${connection.path}?${query}`, { body });
      const before = await service.api.get(connection.path);
      const stored = await rows();
      const preview = await send('dry_run=true');
      expect(await rows()).toEqual(stored);

      const { changes, effects, warnings } = preview.body as unknown as {
        changes: Change[];
        effects: typeof nothing;
        warnings: unknown;
      };
      const real = await send('');
      if (effects.client_secret_required) expect(real.body.code).toBe('client_secret_required');
      else if (effects.grants_disconnected > 0)
        expect(real.body).toMatchObject({ code: 'would_disconnect', grants: effects.grants_disconnected });
      else expect(real.status).toBe(200);
      if (effects.client_secret_required) return;
      const after = real.status === 200 ? real : await send('confirm_disconnect=true');
      expect(after.status).toBe(200);
      const visible = changes.filter(({ field }) => field !== 'client_secret');
      const expected = Object.fromEntries(visible.map(({ field, to }) => [field, to]));
      const same = { updated_at: after.body.updated_at, warnings };
      const connectionState = { status: after.body.status, status_reason: after.body.status_reason };
      expect(after.body).toEqual({ ...before.body, ...expected, ...same, ...connectionState });
      for (const { field, from } of visible) expect(before.body[field]).toEqual(from);
      const { body: pending } = await service.api.get(`/authorizations/${state}`);
      expect(pending.status).toBe(effects.authorizations_voided === 1 ? 'failed' : 'pending');
    }),
    { numRuns: 40 },
  );
}, 120_000);
