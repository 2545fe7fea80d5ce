import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const newBody = (more: Record<string, unknown> = {}) => ({
  connection_name: uniqueName(),
  client_id: 'client',
  client_secret: 'the-secret',
  authorization_url: 'https://provider.example/authorize',
  token_url: 'https://provider.example/token',
  ...more,
});
const create = (more?: Record<string, unknown>, organization?: string) =>
  service.api.post('/connections', newBody(more), { organization });

describe('POST /connections', () => {
  test('a connection created with the required fields only returns the whole detail with every default', async () => {
    const { client_secret: _, ...body } = newBody();
    const { status, body: detail, headers } = await service.api.post('/connections', body);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/connections/${body.connection_name}`);
    expect(headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(detail).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      organization_id: null,
      connection_name: body.connection_name,
      provider: 'generic',
      oauth_flow_type: 'authorization_code',
      client_id: 'client',
      has_client_secret: false,
      authorization_url: body.authorization_url,
      token_url: body.token_url,
      revocation_url: null,
      test_url: null,
      scopes: [],
      redirect_uri: `${service.broker.url}/callback/${body.connection_name}`,
      status: 'not_connected',
      status_reason: null,
      status_message: null,
      next_action: 'authorize',
      refreshable: false,
      warnings: [],
      last_error: null,
      expires_at: null,
      last_refresh_at: null,
      next_refresh_at: null,
      last_test_at: null,
      health_status: null,
      health_error: null,
      allow_import: false,
      pkce: null,
      terminal_errors: [],
      error_path: null,
      managed_by: null,
      drifted: false,
      token_auth_method: null,
      variables: {},
      authorize_params: {},
      token_params: {},
      multi_account: false,
      share_with_organizations: true,
      description: null,
      created_by: 'bootstrap',
      created_at: iso,
      updated_at: iso,
    });
  });

  test('a created connection returns every field as written, and never the secret', async () => {
    const written = {
      oauth_flow_type: 'authorization_code',
      provider: 'generic',
      revocation_url: 'https://provider.example/revoke',
      test_url: 'https://provider.example/me',
      authorize_params: { access_type: 'offline', response_mode: 'query' },
      token_params: { resource: 'https://api.example' },
      token_auth_method: 'client_secret_post',
      variables: { issuer: 'https://provider.example' },
      multi_account: true,
      share_with_organizations: false,
      description: 'Customer data\nof everybody',
    };
    const { body, text } = await create({ ...written, scopes: ['read', 'write'] }, 'acme');
    expect(body).toMatchObject({ ...written, organization_id: 'acme', has_client_secret: true });
    expect(body.redirect_uri).toBe(`${service.broker.url}/callback/acme/${body.connection_name}`);
    expect(text).not.toContain('the-secret');
    expect(Object.keys(body)).not.toContain('client_secret');
  });

  test.each([
    [['read', 'write'], 'an array'],
    ['read write', 'one string with spaces'],
    ['read,write', 'one string with commas'],
    ['read, write read', 'one string with both, and a scope twice'],
  ])('scopes %j, written as %s, are stored as a list without duplicates', async (scopes, _form) => {
    expect((await create({ scopes })).body.scopes).toEqual(['read', 'write']);
  });

  test('a provider template supplies URLs and scopes of a new connection', async () => {
    const body = { connection_name: uniqueName(), provider: 'google', client_id: 'c', client_secret: 's' };
    const { status, body: detail } = await service.api.post('/connections', body);
    expect(status).toBe(201);
    expect(detail).toMatchObject({ provider: 'google', authorization_url: expect.stringContaining('google.com') });
  });

  test('a connection name is unique within an organisation and within the global scope', async () => {
    const connection_name = uniqueName();
    for (const organization of ['acme', 'globex', undefined]) {
      expect((await create({ connection_name }, organization)).status).toBe(201);
      const again = await create({ connection_name, description: 'second' }, organization);
      expect(again).toMatchObject({ status: 409, body: { code: 'connection_exists' } });
      const kept = await service.api.get(`/connections/${connection_name}`, { organization });
      expect(kept.body.description).toBeNull();
    }
  });
});

describe('POST /connections with client_credentials', () => {
  const machine = (more: Record<string, unknown> = {}) => ({
    oauth_flow_type: 'client_credentials',
    authorization_url: undefined,
    token_url: `${service.hostile.origin}/token`,
    ...more,
  });

  test('a new client_credentials connection already has a token', async () => {
    service.hostile.script('/token', json(200, { access_token: 'first', token_type: 'Bearer', expires_in: 3600 }));
    const { status, body } = await create(machine());
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'completed', status_reason: null, expires_at: iso, next_refresh_at: iso });
  });

  test.each([
    ['client_rejected', 401, { error: 'invalid_client' }],
    ['configuration_rejected', 400, { error: 'invalid_scope' }],
    ['exchange_failed', 400, { error: 'invalid_grant' }],
  ])(
    'a client_credentials connection whose token request is refused is kept, failed with %s',
    async (reason, status, response) => {
      service.hostile.script('/token', json(status, response));
      const created = await create(machine());
      expect(created.status).toBe(201);
      expect(created.body).toMatchObject({ status: 'failed', status_reason: reason, expires_at: null });
      expect(created.body.status_message).toEqual(expect.any(String));
      const read = await service.api.get(`/connections/${created.body.connection_name}`);
      // A health check of the running worker can run between the two calls.
      const { health_status, health_error, ...unchanged } = created.body;
      expect(read.body).toMatchObject(unchanged);
    },
  );

  test('a client_credentials connection without a secret is refused and not created', async () => {
    const connection_name = uniqueName();
    const response = await create(machine({ connection_name, client_secret: undefined }));
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'client_secret' }] } });
    expect((await service.api.get(`/connections/${connection_name}`)).status).toBe(404);
  });
});

describe('POST /connections with faults', () => {
  const tooMany = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`p${at}`, 'v']));
  test.each<[path: string, change: Record<string, unknown>]>([
    ['connection_name', { connection_name: undefined }],
    ['connection_name', { connection_name: '' }],
    ['connection_name', { connection_name: 'a b' }],
    ['connection_name', { connection_name: 'a/b' }],
    ['connection_name', { connection_name: 'ä' }],
    ['connection_name', { connection_name: 'a'.repeat(101) }],
    ['connection_name', { connection_name: null }],
    ['client_id', { client_id: undefined }],
    ['client_id', { client_id: null }],
    ['client_id', { client_id: 7 }],
    ['client_secret', { client_secret: '' }],
    ['client_secret', { client_secret: 's'.repeat(100_000) }],
    ['provider', { provider: 'no-such-provider' }],
    ['provider', { provider: '../generic' }],
    ['oauth_flow_type', { oauth_flow_type: 'password' }],
    ['oauth_flow_type', { oauth_flow_type: 'implicit' }],
    ['authorization_url', { authorization_url: undefined }],
    ['authorization_url', { authorization_url: 'javascript:alert(1)' }],
    ['authorization_url', { authorization_url: 'https://user:pw@provider.example/a' }],
    ['token_url', { token_url: undefined }],
    ['token_url', { token_url: '/token' }],
    ['token_url', { token_url: 'ftp://provider.example/token' }],
    ['token_url', { token_url: 'https://provider.example/token#fragment' }],
    ['token_url', { token_url: 'http://169.254.169.254/token' }],
    ['revocation_url', { revocation_url: 'nonsense' }],
    ['test_url', { test_url: 'file:///etc/passwd' }],
    ['scopes.1', { scopes: ['read', 'wri"te'] }],
    ['scopes', { scopes: 7 }],
    ['authorize_params.state', { authorize_params: { state: 'x' } }],
    ['authorize_params.redirect_uri', { authorize_params: { redirect_uri: 'x' } }],
    ['authorize_params.client_id', { authorize_params: { client_id: 'x' } }],
    ['authorize_params.response_type', { authorize_params: { response_type: 'token' } }],
    ['authorize_params.code_challenge_method', { authorize_params: { code_challenge_method: 'plain' } }],
    ['authorize_params.response_mode', { authorize_params: { response_mode: 'fragment' } }],
    // The origin of this service is http: a browser would send a form_post callback without the cookie.
    ['authorize_params.response_mode', { authorize_params: { response_mode: 'form_post' } }],
    ['authorize_params', { authorize_params: tooMany }],
    ['token_params.grant_type', { token_params: { grant_type: 'password' } }],
    ['token_params.refresh_token', { token_params: { refresh_token: 'x' } }],
    ['token_params.client_secret', { token_params: { client_secret: 'x' } }],
    ['token_params.code_verifier', { token_params: { code_verifier: 'x' } }],
    ['token_auth_method', { token_auth_method: 'mtls' }],
    ['variables.tenant', { variables: { tenant: 'x' } }],
    ['multi_account', { multi_account: 'yes' }],
    ['share_with_organizations', { share_with_organizations: 1 }],
    ['description', { description: 'd'.repeat(3000) }],
    ['description', { description: 'a\u0000b' }],
    ['status', { status: 'completed' }],
    ['organization_id', { organization_id: 'acme' }],
  ])('a new connection with a fault at %s is refused (%#)', async (path, change) => {
    const { status, body } = await create(change);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid_request');
    expect((body.errors as { path: string }[]).map((fault) => fault.path)).toContain(path);
  });

  test('a new connection with several faults reports all of them', async () => {
    const { body } = await create({ connection_name: 'a b', token_url: 'x', nonsense: 1 });
    const paths = (body.errors as { path: string }[]).map(({ path }) => path);
    expect(paths.toSorted()).toEqual(['connection_name', 'nonsense', 'token_url']);
  });
});
