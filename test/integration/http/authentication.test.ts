import { afterEach, describe, expect, test } from 'vitest';
import { type Caller, type Permission, permissions } from '../../../src/domain/callers/caller.ts';
import { BrokerError } from '../../../src/domain/errors.ts';
import { contract } from '../../../src/http/contract/contract.ts';
import { admin, createHttpFixture, type HttpFixture, stubUseCases } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const guarded = contract.filter(({ access }) => access.for !== 'public');

function urlOf(path: string): string {
  return path.replace('{grant_id}', '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d02').replace(/\{\w+\}/g, 'crm');
}

/**
 * Permission of every route, written by hand: a changed permission in the contract must fail this test. Any one of several
 * is enough.
 */
const permissionOf: Record<string, Permission | Permission[]> = {
  createConnection: 'connections:write',
  listConnections: 'connections:read',
  getConnection: 'connections:read',
  patchConnection: 'connections:write',
  replaceConnection: 'connections:write',
  deleteConnection: 'connections:write',
  listGrants: 'connections:read',
  getGrant: 'connections:read',
  importGrant: 'connections:write',
  deleteGrant: 'connections:write',
  refreshGrant: 'connections:authorize',
  testConnection: 'connections:authorize',
  revokeGrants: 'connections:write',
  startAuthorization: 'connections:authorize',
  getAuthorization: ['connections:read', 'connections:authorize'],
  cancelAuthorization: 'connections:authorize',
  confirmAuthorization: 'connections:authorize',
  getCredential: 'credentials:read',
  explainCredential: 'connections:read',
  renewCredential: 'credentials:read',
  listProviders: 'connections:read',
  getProvider: 'connections:read',
  createApiKey: 'admin:write',
  listApiKeys: 'admin:read',
  revokeApiKey: 'admin:write',
  disableWorkflow: 'workflows:write',
  enableWorkflow: 'workflows:write',
  getWorkflow: 'connections:read',
  listDependencies: 'connections:read',
  listDependents: 'connections:read',
  listDisabledWorkflows: 'connections:read',
  registerDependency: 'workflows:write',
  listAuditEvents: 'admin:read',
  getFleetStats: 'admin:read',
  getFleetConnection: 'admin:read',
  listFleetConnections: 'admin:read',
  getFleetGrant: 'admin:read',
  listFleetGrants: 'admin:read',
  importGrants: 'admin:write',
  listSweeps: 'admin:read',
  requestSweep: 'admin:write',
  readEncryption: 'admin:read',
  rotateKeys: 'admin:write',
  retireDataKey: 'admin:write',
  checkOneHealth: 'admin:write',
  requestHealthRun: 'admin:write',
  getHealthStats: 'admin:read',
  getMetrics: 'admin:read',
};

describe('authentication of callers', () => {
  test('only the public routes need no authentication', () => {
    const open = contract.filter(({ access }) => access.for === 'public').map(({ path }) => path);
    expect([...new Set(open)].sort()).toEqual([
      '/authorize/{state}',
      '/callback/{name}',
      '/callback/{organization_id}/{name}',
      '/docs',
      '/health',
      '/livez',
      '/openapi.json',
      '/readyz',
    ]);
    expect(guarded.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(permissionOf).sort());
  });

  test('a missing key, a wrong key or another scheme gets 401 on every route before any use case runs', async () => {
    const called: string[] = [];
    const useCases = stubUseCases();
    const spied = Object.fromEntries(
      Object.keys(useCases)
        .filter((name) => name !== 'authenticateCaller')
        .map((name) => [name, async () => called.push(name)]),
    );
    fixture = await createHttpFixture(spied, { rateLimitMax: 10_000 });
    for (const { method, path } of guarded) {
      for (const authorization of [undefined, 'Bearer wrong', 'Basic YTpi', 'Bearer', '']) {
        const response = await fixture.app.inject({
          method,
          url: urlOf(path),
          headers: authorization === undefined ? {} : { authorization },
        });
        expect(response.statusCode, `${method} ${path} ${authorization}`).toBe(401);
        expect(response.headers['www-authenticate']).toBe('Bearer realm="token-broker"');
      }
    }
    expect(called).toEqual([]);
  });

  test('every route requires exactly one of its permissions', async () => {
    fixture = await createHttpFixture({
      authenticateCaller: async (bearer) => ({ ...admin, permissions: JSON.parse(bearer.reveal()) }),
    });
    const callWith = (declaration: (typeof guarded)[number], held: Permission[]) =>
      fixture?.call({
        method: declaration.method,
        url: urlOf(declaration.path),
        headers: { authorization: `Bearer ${JSON.stringify(held)}` },
      });
    for (const declaration of guarded) {
      const accepted = [permissionOf[declaration.operationId] ?? []].flat();
      const others = permissions.filter((permission) => !accepted.includes(permission));
      const refused = await callWith(declaration, others);
      expect(refused?.statusCode, declaration.operationId).toBe(403);
      expect(refused?.json()).toMatchObject({ code: 'forbidden', required_permission: accepted[0] });
      for (const needed of accepted)
        expect((await callWith(declaration, [needed]))?.statusCode, declaration.operationId).not.toBe(403);
    }
  });

  test('the header selects the organisation; without it a key with one organisation implies it, others act globally', async () => {
    const seen: unknown[] = [];
    const listGrants = async ({ organizationId }: { organizationId: string | null }) => {
      seen.push(organizationId);
      return { grants: [], nextCursor: null };
    };
    const statusFor = async (caller: Partial<Caller>, header?: string) => {
      const each = await createHttpFixture({ authenticateCaller: async () => ({ ...admin, ...caller }), listGrants });
      const { statusCode } = await each.app.inject({
        url: '/connections/crm/grants',
        headers: { authorization: 'Bearer x', ...(header === undefined ? {} : { 'x-organization-id': header }) },
      });
      await each.app.close();
      return statusCode;
    };
    expect(await statusFor({}, 'acme')).toBe(200);
    expect(await statusFor({})).toBe(200);
    expect(await statusFor({ organizations: ['solo'], global: false })).toBe(200);
    expect(seen).toEqual(['acme', null, 'solo']);

    expect(await statusFor({ organizations: ['a', 'b'], global: false })).toBe(403);
    expect(await statusFor({ organizations: '*', global: false })).toBe(403);
    expect(await statusFor({ organizations: ['a'], global: true }, 'b')).toBe(403);
    for (const malformed of ['', ' ', '.a', 'a b', 'ü', 'a'.repeat(101), 'a,b']) {
      expect(await statusFor({}, malformed), malformed).toBe(400);
    }
    expect(seen).toHaveLength(3);
    fixture = await createHttpFixture();
    const headers = { 'x-organization-id': 'a b' };
    expect((await fixture.call({ url: '/providers', headers })).statusCode).toBe(400);
  });

  test('failed authentication from one address is limited; a valid key from that address still works', async () => {
    fixture = await createHttpFixture({}, { rateLimitMax: 3 });
    const attempt = () => fixture?.app.inject({ url: '/connections', headers: { authorization: 'Bearer wrong' } });
    for (let i = 0; i < 3; i += 1) expect((await attempt())?.statusCode).toBe(401);
    const refused = await attempt();
    expect(refused?.statusCode).toBe(429);
    expect(refused?.json()).toMatchObject({ code: 'rate_limited' });
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    for (let i = 0; i < 10; i += 1) expect((await fixture.call({ url: '/connections' })).statusCode).toBe(200);
  });

  test('calls to public routes count together for each address, and health routes do not count', async () => {
    fixture = await createHttpFixture({}, { rateLimitMax: 3 });
    const from = (remoteAddress: string, url: string) => fixture?.app.inject({ url, remoteAddress });
    expect((await from('10.0.0.1', '/docs'))?.statusCode).toBe(200);
    expect((await from('10.0.0.1', '/openapi.json'))?.statusCode).toBe(200);
    expect((await from('10.0.0.1', '/authorize/x'))?.statusCode).toBe(400);
    const refused = await from('10.0.0.1', '/callback/crm?state=x');
    expect(refused?.json()).toMatchObject({ code: 'rate_limited', status: 429 });
    expect((await from('10.0.0.2', '/docs'))?.statusCode).toBe(200);
    for (let i = 0; i < 10; i += 1) expect((await from('10.0.0.1', '/health'))?.statusCode).toBe(200);
  });

  test('a forwarded address cannot evade the rate limit unless the proxy is trusted', async () => {
    const counted = async (trustProxy: false | number | string[], forwarded: (turn: number) => string) => {
      const each = await createHttpFixture({}, { rateLimitMax: 2, trustProxy });
      const statuses: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const headers = { 'x-forwarded-for': forwarded(turn) };
        statuses.push((await each.app.inject({ url: '/docs', headers, remoteAddress: '10.0.0.9' })).statusCode);
      }
      await each.app.close();
      return statuses;
    };
    const spoofed = (turn: number) => `1.2.3.${turn}`;
    expect(await counted(false, spoofed)).toEqual([200, 200, 429, 429]);
    expect(await counted(['10.1.0.0/16'], spoofed)).toEqual([200, 200, 429, 429]);
    expect(await counted(['10.0.0.0/16'], spoofed)).toEqual([200, 200, 200, 200]);
    expect(await counted(1, spoofed)).toEqual([200, 200, 200, 200]);
    // With one trusted hop, entries further left are written by the client and do not count.
    expect(await counted(1, (turn) => `9.9.9.${turn}, 1.2.3.4`)).toEqual([200, 200, 429, 429]);
    expect(await counted(1, (turn) => `rubbish-${turn}`)).toEqual([200, 200, 429, 429]);
    // Some proxies append the port, which is another one for each connection of one client.
    expect(await counted(1, (turn) => `1.2.3.4:${5000 + turn}`)).toEqual([200, 200, 429, 429]);
    expect(await counted(1, (turn) => `1.2.3.${turn}:5000`)).toEqual([200, 200, 200, 200]);
    expect(await counted(['10.0.0.0/8'], (turn) => `1.2.3.${turn}:5000, 10.0.0.3:80`)).toEqual([200, 200, 200, 200]);
  });

  test('Host and X-Forwarded-* headers never appear in a response', async () => {
    fixture = await createHttpFixture({}, { trustProxy: 1 });
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    for (const url of ['/connections/crm', '/openapi.json', '/docs', '/authorize/nothing', '/callback/crm?state=x']) {
      const response = await fixture.call({ url, headers });
      expect(JSON.stringify(response.headers) + response.body).not.toContain('evil.example');
    }
    const created = await fixture.call({
      method: 'POST',
      url: '/connections',
      headers,
      payload: { connection_name: 'crm', client_id: 'c' },
    });
    expect(created.headers.location).toBe('/connections/crm');
  });

  test('an unavailable store during authentication gives 503, not 401', async () => {
    fixture = await createHttpFixture({
      authenticateCaller: async () => {
        throw BrokerError.with('service_unavailable', 'The database is unavailable.', { retry_after: 3 });
      },
    });
    const response = await fixture.call({ url: '/connections' });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('3');
  });
});

describe('request ids and the log', () => {
  test('a request id that is safe to log is kept, any other is replaced', async () => {
    fixture = await createHttpFixture();
    const idFor = async (requestId: string) =>
      (await fixture?.call({ url: '/livez', headers: { 'x-request-id': requestId } }))?.headers['x-request-id'];
    expect(await idFor('trace-1.a_b')).toBe('trace-1.a_b');
    for (const bad of ['', 'a b', '-x', 'x'.repeat(101), 'a"b', '<svg>']) {
      expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('a request logs one line with the pattern of its route, without its URL, headers or body', async () => {
    fixture = await createHttpFixture();
    await fixture.call({
      url: '/credentials/canary-name?subject=canary-subject',
      headers: { 'x-request-id': 'request-7', 'x-other': 'canary-header' },
    });
    await fixture.app.inject({ url: '/callback/crm?code=canary-code&state=canary-state' });
    await fixture.app.inject({ url: '/canary-nowhere?x=canary' });
    await fixture.app.inject({ url: '/%zz/canary' });
    const lines = fixture.log.filter(({ msg }) => msg === 'request completed');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatchObject({
      request_id: 'request-7',
      method: 'GET',
      route: '/credentials/{name}',
      status: 200,
      caller: 'bootstrap',
      organization_id: 'acme',
    });
    expect(JSON.stringify(fixture.log)).not.toMatch(/canary|administrators-key/);
  });
});
