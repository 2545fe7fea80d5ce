import { createHash } from 'node:crypto';
import {
  addConnection,
  importGrant,
  startAuthorization,
  type TestConnection,
  walkToCallback,
} from '../e2e/connections.ts';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { importLines } from './import-lines.ts';
import type { Service } from './service.ts';

export interface Change {
  change: string;
  /** Method and path of the route, as the contract declares it. */
  route: string;
  /** Makes the change and returns its response. */
  act: () => Promise<ApiResponse>;
  /** The events that carry the request's id. */
  actions: string[];
  status?: number;
}

const organization = 'acme';
const as = { organization };

const machine = {
  oauth_flow_type: 'client_credentials',
  scopes: ['calendar'],
  authorization_url: undefined,
  test_url: undefined,
  authorize_params: undefined,
};
/** Lists every change that a caller can make, each with the events that it writes. */
export function auditedChanges(serviceOf: () => Service): Change[] {
  const newConnection = (body: Record<string, unknown> = {}) => addConnection(serviceOf(), { organization, body });
  async function withGrant(): Promise<TestConnection & { grantId: string }> {
    const connection = await newConnection();
    return { ...connection, grantId: (await importGrant(serviceOf(), connection, 3600)).grantId };
  }
  const post = (path: string, body?: unknown) => serviceOf().api.post(path, body, as);

  async function recreate(body: Record<string, unknown> = {}): Promise<ApiResponse> {
    const { clientId, clientSecret } = await serviceOf().provider.registerClient();
    const { token, authorization } = serviceOf().provider.endpoints;
    return post('/connections', {
      connection_name: `new-${clientId.slice(0, 20).replaceAll(/[^a-z0-9]/gi, '')}`,
      client_id: clientId,
      client_secret: clientSecret,
      authorization_url: authorization,
      token_url: token,
      ...body,
    });
  }

  return [
    {
      change: 'creating a connection',
      route: 'POST /connections',
      act: () => recreate(),
      actions: ['connection.created'],
      status: 201,
    },
    {
      change: 'creating a connection that obtains its own token',
      route: 'POST /connections',
      act: () => recreate({ ...machine }),
      actions: ['connection.created', 'grant.connected'],
      status: 201,
    },
    {
      change: 'editing a connection',
      route: 'PATCH /connections/{name}',
      act: async () => serviceOf().api.patch((await newConnection()).path, { description: 'new' }, as),
      actions: ['connection.updated'],
    },
    {
      change: 'replacing a connection',
      route: 'PUT /connections/{name}',
      act: async () => {
        const { path, name, clientId } = await newConnection();
        const { authorization, token } = serviceOf().provider.endpoints;
        return serviceOf().api.call('PUT', path, {
          ...as,
          body: {
            connection_name: name,
            client_id: clientId,
            authorization_url: authorization,
            token_url: token,
            scopes: ['other'],
          },
        });
      },
      actions: ['connection.updated'],
    },
    {
      change: 'deleting a connection with a grant',
      route: 'DELETE /connections/{name}',
      act: async () => serviceOf().api.delete((await withGrant()).path, as),
      actions: ['connection.deleted'],
    },
    {
      change: 'starting an authorization',
      route: 'POST /connections/{name}/authorize',
      act: async () => post(`${(await newConnection()).path}/authorize`),
      actions: ['authorization.started'],
    },
    {
      change: 'cancelling an authorization',
      route: 'POST /connections/{name}/cancel',
      act: async () => {
        const connection = await newConnection();
        await startAuthorization(serviceOf(), connection);
        return post(`${connection.path}/cancel`);
      },
      actions: ['authorization.cancelled'],
    },
    {
      change: 'confirming an authorization',
      route: 'POST /authorizations/{authorization_id}/confirm',
      act: async () => {
        const verifier = 'v'.repeat(43);
        const authorization = await startAuthorization(serviceOf(), await newConnection(), {
          return_url: 'https://app.example/done',
          binding_challenge: createHash('sha256').update(verifier).digest('base64url'),
        });
        const { browser, callback } = await walkToCallback(authorization);
        const arrived = (await browser.send('GET', callback)).location?.searchParams;
        const body = { binding_verifier: verifier, confirmation_code: arrived?.get('confirmation_code') };
        return post(`/authorizations/${arrived?.get('authorization_id')}/confirm`, body);
      },
      actions: ['authorization.confirmed', 'grant.connected'],
    },
    {
      change: 'importing a grant',
      route: 'POST /connections/{name}/grants',
      act: async () => post(`${(await newConnection()).path}/grants`, { access_token: 'imported', expires_in: 3600 }),
      actions: ['grant.imported'],
      status: 201,
    },
    {
      change: 'importing many grants',
      route: 'POST /admin/import',
      act: async () => {
        const { name } = await newConnection();
        const line = { connection_name: name, organization_id: organization, access_token: 'imported' };
        return importLines(serviceOf(), [line]);
      },
      actions: ['grant.imported', 'grants.imported'],
    },
    {
      change: 'deleting a grant',
      route: 'DELETE /connections/{name}/grants/{grant_id}',
      act: async () => {
        const { path, grantId } = await withGrant();
        return serviceOf().api.delete(`${path}/grants/${grantId}`, as);
      },
      actions: ['grant.deleted'],
      status: 204,
    },
    {
      change: 'revoking a grant',
      route: 'POST /connections/{name}/revoke',
      act: async () => post(`${(await withGrant()).path}/revoke`, { reason: 'left' }),
      actions: ['grant.revoked'],
    },
    {
      change: 'testing a grant',
      route: 'POST /connections/{name}/test',
      act: async () => post(`${(await withGrant()).path}/test`),
      actions: ['connection.tested'],
    },
    {
      change: 'creating an API key',
      route: 'POST /admin/api-keys',
      act: () =>
        post('/admin/api-keys', { name: 'a key', permissions: ['credentials:read'], organizations: [organization] }),
      actions: ['api_key.created'],
      status: 201,
    },
    {
      change: 'revoking an API key',
      route: 'DELETE /admin/api-keys/{id}',
      act: async () => {
        const { id } = await serviceOf().newKey({ organizations: [organization], global: false });
        return serviceOf().api.delete(`/admin/api-keys/${id}`, as);
      },
      actions: ['api_key.revoked'],
      status: 204,
    },
    {
      change: 'requesting a sweep',
      route: 'POST /admin/refresh/expiring',
      act: () => serviceOf().api.post('/admin/refresh/expiring'),
      actions: ['sweep.requested'],
      status: 202,
    },
    {
      change: 'checking all grants',
      route: 'POST /admin/health/check-all',
      act: () => serviceOf().api.post('/admin/health/check-all'),
      actions: ['health_run.requested'],
      status: 202,
    },
    {
      change: 'checking a grant',
      route: 'POST /admin/health/check/{id}',
      act: async () => post(`/admin/health/check/${(await withGrant()).grantId}`),
      actions: ['health_check.requested'],
    },
    {
      change: 'rotating the encryption keys',
      route: 'POST /admin/encryption/rotate',
      act: async () => {
        return serviceOf().api.post('/admin/encryption/rotate', { data_key: false });
      },
      actions: ['encryption.rotation_started'],
      status: 202,
    },
    {
      change: 'retiring a data key',
      route: 'DELETE /admin/encryption/data-keys/{id}',
      act: async () => {
        const id = '01980c30-0a5e-7d10-9a55-3c9d7e8f1b23';
        // A key that no value is sealed under. It cannot be unwrapped: it carries the wrapping of another one.
        await serviceOf().stack.sql(
          `insert into data_keys (id, key_encryption_key_id, wrapped, state, canary, created_at, sealed_until)
           select '${id}', key_encryption_key_id, wrapped, 'opening', canary, created_at, now() - interval '1 hour'
           from data_keys where state = 'sealing'`,
        );
        return serviceOf().api.delete(`/admin/encryption/data-keys/${id}`);
      },
      actions: ['encryption.data_key_retired'],
      status: 204,
    },
    {
      change: 'registering a dependency',
      route: 'POST /workflows/{id}/dependencies',
      act: async () => post('/workflows/w1/dependencies', { connection_name: (await newConnection()).name }),
      actions: ['workflow.registered'],
      status: 201,
    },
    {
      change: 'disabling a workflow',
      route: 'POST /workflows/{id}/disable',
      act: () => post('/workflows/w2/disable', { reason: 'broken' }),
      actions: ['workflow.disabled'],
    },
    {
      change: 'enabling a workflow',
      route: 'POST /workflows/{id}/enable',
      act: async () => {
        await post('/workflows/w3/disable', { reason: 'broken' });
        return post('/workflows/w3/enable');
      },
      actions: ['workflow.enabled'],
    },
  ];
}
