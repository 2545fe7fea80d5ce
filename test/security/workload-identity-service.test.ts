import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type Issuer, startIssuer } from '../support/issuer/issuer.ts';
import { startBroker } from '../support/processes/broker-process.ts';
import { expectStatus, openScene, type Scene } from './scene.ts';

let issuer: Issuer;
let scene: Scene;
beforeAll(async () => {
  issuer = await startIssuer();
  const rights = { organizations: ['b'] };
  const rules = [
    {
      ...rights,
      claims: { sub: 'reader' },
      permissions: ['credentials:read', 'connections:read'],
      connections: ['crm-*'],
    },
    { ...rights, claims: { sub: 'maker' }, permissions: ['admin:read', 'admin:write', 'credentials:read'] },
    { ...rights, claims: { sub: 'slow' }, permissions: ['connections:read'], rate_limit_per_minute: 2 },
  ];
  scene = await openScene({
    LOG_LEVEL: 'trace',
    ALLOW_PRIVATE_NETWORK: 'false',
    TRUSTED_ISSUERS: JSON.stringify([
      { issuer: issuer.issuer, audiences: ['broker'], allow_private_network: true, rules },
    ]),
  });
});
afterAll(async () => {
  await scene?.close();
  await issuer?.close();
});

async function workload(sub: string, claims: Record<string, unknown> = {}): Promise<{ token: string; api: Api }> {
  const token = await issuer.sign({ sub, ...claims });
  return { token, api: createApi(scene.url, token) };
}
const actorOf = (sub: string) => `workload:${issuer.issuer}#${sub}`;

test('a workload reads the credentials that its rule names, and the audit trail names issuer and subject', async () => {
  for (const connection_name of ['crm-eu', 'payroll']) {
    const urls = {
      authorization_url: 'https://provider.example/authorize',
      token_url: 'https://provider.example/token',
    };
    const connection = { connection_name, client_id: 'c', client_secret: 's', ...urls };
    expectStatus(await scene.api.post('/connections', connection, { organization: 'b' }), 201);
    const grant = { access_token: `live-${connection_name}`, expires_in: 3600 };
    expectStatus(await scene.api.post(`/connections/${connection_name}/grants`, grant, { organization: 'b' }), 201);
  }
  const { token, api } = await workload('reader');
  expect(expectStatus(await api.get('/credentials/crm-eu'), 200).body.access_token).toBe('live-crm-eu');
  expect(await api.get('/credentials/payroll')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect((await api.get('/connections', { organization: 'a' })).status).toBe(403);
  expect((await api.post('/connections', {})).body.required_permission).toBe('connections:write');
  const path = `/admin/audit-events?action=credential.fetched&actor=${encodeURIComponent(actorOf('reader'))}`;
  await expect
    .poll(async () => (await scene.api.get(path)).body, { timeout: 10_000 })
    .toMatchObject({ audit_events: [{ actor: actorOf('reader'), connection_name: 'crm-eu' }] });
  const [header, payload, signature = ''] = token.split('.');
  const log = scene.broker.lines().join('\n');
  expect(log).toContain(actorOf('reader'));
  for (const part of [`${header}.${payload}`, signature]) expect(log).not.toContain(part);
});

test('a refused token gets the same response as a wrong key; the log has the reason and no part of the token', async () => {
  const refused = [
    await workload('stranger'),
    await workload('reader', { aud: 'elsewhere' }),
    await workload('reader', { exp: 1 }),
    await workload('reader', { iss: 'https://evil.example' }),
  ];
  const wrongKey = (await createApi(scene.url, 'x'.repeat(40)).get('/connections')).body;
  for (const { api } of refused) {
    const { status, body } = await api.get('/connections');
    expect([status, { ...body, instance: '' }]).toEqual([401, { ...wrongKey, instance: '' }]);
  }
  const lines = scene.broker.lines().filter((line) => line.includes('workload token refused'));
  const reasons = lines.map((line) => (JSON.parse(line) as { reason: string }).reason);
  expect(reasons).toEqual(['no_rule', 'audience', 'expired']);
  const log = scene.broker.lines().join('\n');
  for (const { token } of refused) expect(log).not.toContain(token.split('.').at(-1));
});

test('a workload makes keys within its rights, and they expire with its token', async () => {
  const exp = Math.floor(Date.now() / 1000) + 120;
  const { api } = await workload('maker', { exp });
  const body = { name: 'k', permissions: ['credentials:read'], organizations: ['b'] };
  const made = expectStatus(await api.post('/admin/api-keys', body), 201).body;
  expect(made).toMatchObject({ created_by: actorOf('maker'), expires_at: new Date(exp * 1000).toISOString() });
  for (const more of [
    { permissions: ['connections:write'] },
    { organizations: ['a'] },
    { organizations: '*' },
    { global: true },
  ]) {
    expect((await api.post('/admin/api-keys', { ...body, ...more })).status, JSON.stringify(more)).toBe(403);
  }
  const expired = await workload('maker', { exp: Math.floor(Date.now() / 1000) - 5 });
  expect((await expired.api.get('/admin/api-keys')).status).toBe(200);
  expect(await expired.api.post('/admin/api-keys', body)).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'expires_at' }] },
  });
});

test('the rate limit of a rule counts the requests of one subject, with all its tokens', async () => {
  const statuses: number[] = [];
  for (const jti of ['1', '2', '3']) {
    const { api } = await workload('slow', { jti });
    statuses.push((await api.get('/connections')).status);
  }
  expect(statuses).toEqual([200, 200, 429]);
});

test('a start does not depend on an issuer; a token of one that is down gets 503 with Retry-After, and keys work', async () => {
  const down = await startIssuer();
  await down.close();
  const rules = [{ claims: { sub: 'reader' }, permissions: ['connections:read'], organizations: ['b'] }];
  const entry = { issuer: down.issuer, audiences: ['broker'], allow_private_network: true, rules };
  const broker = await startBroker({
    dataDir: `${scene.dataDir}-2`,
    env: { ...scene.env, TRUSTED_ISSUERS: JSON.stringify([entry]) },
  });
  try {
    const api = createApi(broker.url, await down.sign({ sub: 'reader' }));
    const response = await api.get('/connections');
    expect(response).toMatchObject({ status: 503, body: { code: 'service_unavailable', retry_after: 30 } });
    expect(response.headers.get('retry-after')).toBe('30');
    expect((await createApi(broker.url, scene.adminKey).get('/connections', { organization: 'b' })).status).toBe(200);
    expect(broker.lines().filter((line) => line.includes('issuer keys cannot be read'))).toHaveLength(1);
  } finally {
    await broker.stop();
  }
});
