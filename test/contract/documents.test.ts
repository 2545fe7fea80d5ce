import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ BASE_PATH: '/api/oauth' });
});
afterAll(() => service?.close());

const base = '/api/oauth';
const raw = (path: string) => fetch(`${service.broker.url}${path}`);

describe('GET /openapi.json', () => {
  test('the OpenAPI document lists every route of the API and no other', async () => {
    const response = await raw(`${base}/openapi.json`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(service.document).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./), servers: [{ url: base }] });
    const served = Object.entries(service.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(served.toSorted()).toEqual(
      [
        'POST /connections',
        'GET /connections',
        'GET /connections/{name}',
        'PATCH /connections/{name}',
        'PUT /connections/{name}',
        'DELETE /connections/{name}',
        'POST /connections/{name}/authorize',
        'GET /authorizations/{state}',
        'POST /connections/{name}/cancel',
        'POST /authorizations/{authorization_id}/confirm',
        'POST /connections/{name}/test',
        'POST /connections/{name}/refresh',
        'POST /connections/{name}/revoke',
        'GET /connections/{name}/grants',
        'GET /connections/{name}/grants/{grant_id}',
        'DELETE /connections/{name}/grants/{grant_id}',
        'POST /connections/{name}/grants',
        'GET /authorize/{state}',
        'POST /authorize/{state}',
        'GET /callback/{name}',
        'POST /callback/{name}',
        'GET /callback/{organization_id}/{name}',
        'POST /callback/{organization_id}/{name}',
        'GET /credentials/{name}',
        'GET /credentials/{name}/explain',
        'POST /credentials/{name}/renew',
        'POST /workflows/{id}/dependencies',
        'GET /workflows/{id}/dependencies',
        'GET /connections/{name}/dependents',
        'GET /workflows/{id}',
        'GET /workflows/disabled',
        'POST /workflows/{id}/disable',
        'POST /workflows/{id}/enable',
        'GET /providers',
        'GET /providers/{id}',
        'POST /admin/api-keys',
        'GET /admin/api-keys',
        'DELETE /admin/api-keys/{id}',
        'GET /admin/audit-events',
        'GET /admin/stats',
        'GET /admin/connections',
        'GET /admin/connections/{id}',
        'GET /admin/grants',
        'GET /admin/grants/{id}',
        'POST /admin/import',
        'POST /admin/refresh/expiring',
        'GET /admin/refresh/status',
        'GET /admin/encryption',
        'POST /admin/encryption/rotate',
        'DELETE /admin/encryption/data-keys/{id}',
        'POST /admin/health/check/{id}',
        'POST /admin/health/check-all',
        'GET /admin/health/stats',
        'GET /health',
        'GET /livez',
        'GET /metrics',
        'GET /readyz',
        'GET /openapi.json',
        'GET /docs',
      ].toSorted(),
    );
  });
});

describe('GET /docs', () => {
  test('the documentation page has no scripts, no assets of other hosts, and an entry for every problem type', async () => {
    const response = await raw(`${base}/docs`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/i);
    const api = service.as(service.stack.adminKey());
    const { body } = await api.get('/nothing');
    const [path, fragment] = String(body.type).split('#');
    expect(path).toBe(`${base}/docs`);
    expect(page).toContain(`id="${fragment}"`);
    for (const name of Object.keys(service.document.components.schemas))
      if (name.startsWith('Problem_')) expect(page).toContain(`id="${name.slice('Problem_'.length)}"`);
  });
});

describe('BASE_PATH', () => {
  const headers = () => ({ authorization: `Bearer ${service.stack.adminKey()}`, 'content-type': 'application/json' });

  test('BASE_PATH is part of every link, and no route is served without it', async () => {
    const created = await fetch(`${service.broker.url}${base}/connections`, {
      method: 'POST',
      headers: headers(),
      body: JSON.stringify({
        connection_name: 'based',
        client_id: 'c',
        authorization_url: 'https://p.example/a',
        token_url: 'https://p.example/t',
      }),
    });
    expect(created.headers.get('location')).toBe(`${base}/connections/based`);
    const detail = (await created.json()) as { redirect_uri: string };
    expect(detail.redirect_uri).toBe(`${service.broker.url}${base}/callback/based`);
    const authorization = await fetch(`${service.broker.url}${base}/connections/based/authorize`, {
      method: 'POST',
      headers: headers(),
    });
    const { authorization_url } = (await authorization.json()) as { authorization_url: string };
    expect(authorization_url).toMatch(`${service.broker.url}${base}/authorize/`);
    const hop = await fetch(authorization_url, { redirect: 'manual' });
    expect(hop.status).toBe(303);
    expect(hop.headers.get('location')).toContain(encodeURIComponent(`${base}/callback/`));
    expect((await raw('/connections')).status).toBe(404);
    expect((await raw('/health')).status).toBe(404);
    expect((await raw(`${base}/health`)).status).toBe(200);
  });
});
