import type { Api } from '../support/http/broker-api.ts';
import { canary } from './canaries.ts';
import { operations } from './openapi-operations.ts';
import { expectStatus, type TestConnection } from './scene.ts';

/** Calls the operations that belong to no flow of an authorization, with a canary for each secret and each free text. */
export async function runOtherOperations(api: Api, connection: TestConnection): Promise<void> {
  const asOwner = { organization: connection.organization };
  const { path, name } = connection;
  await api.get('/providers');
  await api.get('/providers/generic');
  const replacement = { client_id: 'client', client_secret: canary('clientsecret') };
  await api.call('PUT', `${path}?dry_run=true`, { body: replacement, ...asOwner });
  await api.call('PUT', `${path}?confirm_disconnect=true`, { body: replacement, ...asOwner });
  await api.post(`${path}/authorize`, { subject: 'left' }, asOwner);
  await api.post(`${path}/cancel`, { subject: 'left' }, asOwner);
  const imported = { access_token: canary('access'), refresh_token: canary('refresh'), extra: { a: canary('extra') } };
  const line = JSON.stringify({ connection_name: name, organization_id: connection.organization, ...imported });
  const broken = `{"connection_name":"${name}","access_token":"${canary('access')}"`;
  const headers = { 'content-type': 'application/x-ndjson' };
  for (const query of ['?dry_run=true', '?verify=true'])
    await api.call('POST', `/admin/import${query}`, { body: `${line}\n${broken}\n`, headers });
  const selected = { ...asOwner, headers: { 'x-workflow-id': 'wf-1', 'x-workflow-name': 'one' } };
  await api.get(connection.credential, selected);
  await workflowOperations(api, connection);
  const { body } = await api.get(`${path}/grants`, asOwner);
  const [grant] = body.grants as { grant_id: string }[];
  await api.get(`${path}/grants/${grant?.grant_id}`, asOwner);
  await fleetOperations(api, grant?.grant_id ?? '');
  await api.delete(`${path}/grants/${grant?.grant_id}`, asOwner);
  const key = expectStatus(
    await api.post('/admin/api-keys', { name: 'short', permissions: ['admin:read'], organizations: ['a'] }),
    201,
  );
  await api.delete(`/admin/api-keys/${key.body.id}`);
  for (const route of ['/livez', '/readyz', '/openapi.json', '/metrics']) await api.get(route);
}

async function workflowOperations(api: Api, { name, organization, path }: TestConnection): Promise<void> {
  const asOwner = { organization };
  const dependency = { connection_name: name, workflow_name: 'one' };
  await api.post('/workflows/wf-1/dependencies', dependency, asOwner);
  await api.get('/workflows/wf-1/dependencies', asOwner);
  await api.get(`${path}/dependents`, asOwner);
  await api.post('/workflows/wf-1/disable', { reason: 'broken' }, asOwner);
  await api.get('/workflows/disabled', asOwner);
  await api.get('/workflows/wf-1', asOwner);
  await api.post('/workflows/wf-1/enable', {}, asOwner);
}

async function fleetOperations(api: Api, grantId: string): Promise<void> {
  await api.get('/admin/audit-events?limit=200');
  await api.get('/admin/stats');
  await api.get('/admin/connections?limit=200');
  await api.get('/admin/grants?limit=200');
  const { body } = await api.get(`/admin/grants/${grantId}`);
  await api.get(`/admin/connections/${body.connection_id}`);
  await api.post('/admin/refresh/expiring');
  await api.get('/admin/refresh/status');
}

/** Calls each documented operation that `log` does not show yet, so that a new route is searched by itself. */
export async function runRemainingOperations(api: Api, connection: TestConnection, log: string): Promise<void> {
  const values: Record<string, string> = { name: connection.name, organization_id: connection.organization ?? 'a' };
  for (const { method, path, body } of operations) {
    if (log.includes(`"method":"${method}","route":"${path}"`)) continue;
    const filled = path.replace(/\{(\w+)\}/g, (_, parameter) => values[parameter] ?? canary('unknown'));
    const request = { organization: connection.organization, ...(body && { headers: { 'content-type': body.type } }) };
    await api.call(method, filled, { ...request, ...(body && { body: JSON.stringify(body.example) }) });
  }
}
