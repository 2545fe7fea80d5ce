import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as apiKeys from '../../../src/http/contract/admin/api-keys.ts';
import * as authorizations from '../../../src/http/contract/authorizations.ts';
import * as connections from '../../../src/http/contract/connections.ts';
import * as credentials from '../../../src/http/contract/credentials.ts';
import * as grants from '../../../src/http/contract/grants.ts';
import * as health from '../../../src/http/contract/health.ts';
import * as providers from '../../../src/http/contract/providers.ts';
import type { Declaration } from '../../../src/http/declaration.ts';
import { createHttpFixture, grantId, type HttpFixture, state } from '../../support/http/server-fixture.ts';

const minimal = { connection_name: 'crm', client_id: 'client' };
const calls: [Declaration, number, InjectOptions][] = [
  [connections.createConnection, 201, { method: 'POST', url: '/connections', payload: minimal }],
  [connections.listConnections, 200, { url: '/connections?limit=200&include_global=false&status=failed&q=a&cursor=x' }],
  [connections.getConnection, 200, { url: '/connections/crm' }],
  [connections.patchConnection, 200, { method: 'PATCH', url: '/connections/crm', payload: { description: null } }],
  [connections.replaceConnection, 200, { method: 'PUT', url: '/connections/crm', payload: { client_id: 'c' } }],
  [connections.deleteConnection, 200, { method: 'DELETE', url: '/connections/crm' }],
  [grants.listGrants, 200, { url: '/connections/crm/grants' }],
  [grants.getGrant, 200, { url: `/connections/crm/grants/${grantId}` }],
  [grants.importGrant, 201, { method: 'POST', url: '/connections/crm/grants', payload: { refresh_token: 'r' } }],
  [grants.deleteGrant, 204, { method: 'DELETE', url: `/connections/crm/grants/${grantId}` }],
  [grants.refreshGrant, 200, { method: 'POST', url: '/connections/crm/refresh' }],
  [grants.testConnection, 200, { method: 'POST', url: '/connections/crm/test' }],
  [grants.revokeGrants, 200, { method: 'POST', url: '/connections/crm/revoke', payload: { reason: 'left' } }],
  [authorizations.startAuthorization, 200, { method: 'POST', url: '/connections/crm/authorize' }],
  [authorizations.getAuthorization, 200, { url: `/authorizations/${state}` }],
  [
    authorizations.confirmAuthorization,
    200,
    {
      method: 'POST',
      url: `/authorizations/${grantId}/confirm`,
      payload: { binding_verifier: 'v', confirmation_code: 'c' },
    },
  ],
  [authorizations.cancelAuthorization, 200, { method: 'POST', url: '/connections/crm/cancel' }],
  [credentials.getCredential, 200, { url: '/credentials/crm?subject=&account_id=&min_ttl=60&scopes=a,b' }],
  [credentials.explainCredential, 200, { url: '/credentials/crm/explain?subject=&min_ttl=60&scopes=a,b' }],
  [
    credentials.renewCredential,
    200,
    { method: 'POST', url: '/credentials/crm/renew', payload: { rejected_token: 't' } },
  ],
  [providers.listProviders, 200, { url: '/providers' }],
  [
    apiKeys.createApiKey,
    201,
    {
      method: 'POST',
      url: '/admin/api-keys',
      payload: { name: 'engine', permissions: ['credentials:read'], organizations: '*' },
    },
  ],
  [apiKeys.listApiKeys, 200, { url: '/admin/api-keys' }],
  [apiKeys.revokeApiKey, 204, { method: 'DELETE', url: '/admin/api-keys/01980c30-0a5e-7d10-9a55-3c9d7e8f1b23' }],
  [health.getHealth, 200, { url: '/health' }],
  [health.getLiveness, 200, { url: '/livez' }],
  [health.getReadiness, 200, { url: '/readyz' }],
];

describe('successful responses', () => {
  let fixture: HttpFixture;
  beforeAll(async () => {
    fixture = await createHttpFixture();
  });
  afterAll(() => fixture.app.close());

  test.each(calls)(
    '$operationId responds with its declared status and exactly the declared members',
    async (declaration, status, options) => {
      const response = await fixture.call(options);
      expect(response.statusCode, response.body).toBe(status);
      const schema = declaration.responses[status]?.schema;
      if (schema === undefined) {
        expect(response.body).toBe('');
        return;
      }
      expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(response.headers['cache-control']).toBe('no-store');
      // Parsing drops members that the schema does not name, so equality proves there were none.
      expect(schema.parse(response.json())).toEqual(response.json());
    },
  );

  test('the summary of a connection omits the client id, URLs and parameters of its detail', async () => {
    const [summary] = (await fixture.call({ url: '/connections' })).json().connections;
    const detail = (await fixture.call({ url: '/connections/crm' })).json();
    const omitted = Object.keys(detail).filter((name) => !(name in summary));
    expect(omitted.sort()).toEqual([
      'authorization_url',
      'authorize_params',
      'client_id',
      'redirect_uri',
      'revocation_url',
      'test_url',
      'token_auth_method',
      'token_params',
      'token_url',
      'variables',
    ]);
  });

  test('the Location of a new connection includes the base path', async () => {
    const based = await createHttpFixture({}, { basePath: '/api/oauth' });
    const response = await based.call({ method: 'POST', url: '/api/oauth/connections', payload: minimal });
    expect(response.headers.location).toBe('/api/oauth/connections/crm');
    expect((await based.call({ url: '/connections' })).statusCode).toBe(404);
    await based.app.close();
  });
});
