import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, startAuthorization } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

test('deleting a connection deletes its grants and authorizations, and revokes its tokens at the provider', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  const { accessToken } = await importGrant(service, connection, 3600);
  const { state } = await startAuthorization(service, connection);
  const response = await service.api.delete(connection.path, { organization: 'acme' });
  expect(response.status).toBe(200);
  expect(response.body).toEqual({ message: expect.stringContaining(connection.name), disabled_workflows: [] });
  expect(await service.provider.accepts(accessToken)).toBe(false);
  for (const path of [connection.path, `${connection.path}/grants`, connection.credential]) {
    const deleted = await service.api.get(path, { organization: 'acme' });
    expect(deleted).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
  }
  expect((await service.api.get(`/authorizations/${state}`, { organization: 'acme' })).status).toBe(404);
  expect((await service.api.delete(connection.path, { organization: 'acme' })).status).toBe(404);
});

test('a connection created under a deleted name has none of the old grants', async () => {
  const connection = await addConnection(service);
  await importGrant(service, connection, 3600);
  await service.api.delete(connection.path);
  await addConnection(service, { body: { connection_name: connection.name } });
  expect(await service.api.get(connection.credential)).toMatchObject({
    status: 503,
    body: { connection_status: 'not_connected', status_reason: null },
  });
});

test('an organisation cannot delete a global connection or that of another organisation', async () => {
  for (const owner of [undefined, 'acme']) {
    const connection = await addConnection(service, { ...(owner && { organization: owner }) });
    const response = await service.api.delete(connection.path, { organization: 'globex' });
    expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await service.api.get(connection.path, { organization: owner })).status).toBe(200);
  }
});

test('deleting the own connection makes the global one of the same name visible again', async () => {
  const global = await addConnection(service);
  const { accessToken } = await importGrant(service, global, 3600);
  await addConnection(service, { organization: 'acme', body: { connection_name: global.name } });
  await service.api.delete(global.path, { organization: 'acme' });
  const { body } = await service.api.get(global.credential, { organization: 'acme' });
  expect(body).toMatchObject({ organization_id: null, access_token: accessToken });
});

test('a connection is deleted although the provider is unreachable', async () => {
  const connection = await addConnection(service);
  await importGrant(service, connection, 3600);
  await service.provider.setOutage('refused');
  expect((await service.api.delete(connection.path)).status).toBe(200);
  await service.provider.setOutage('none');
  expect((await service.api.get(connection.path)).status).toBe(404);
});

test('a deletion with the ETag of an earlier configuration, or of a deleted connection, is refused with 412', async () => {
  const { path, name } = await addConnection(service);
  const dry = await service.api.delete(`${path}?dry_run=true`);
  const old = dry.headers.get('etag') ?? '';
  expect(old).toBe((await service.api.get(path)).headers.get('etag'));
  const deletion = (match: string, query = '') => service.api.delete(path + query, { headers: { 'if-match': match } });
  expect((await deletion(old, '?dry_run=true')).status).toBe(200);
  await service.api.patch(path, { description: 'moved' });
  for (const query of ['', '?dry_run=true', '?confirm_disable_workflows=true']) {
    expect(await deletion(old, query)).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
  }
  const current = (await service.api.get(path)).headers.get('etag') ?? '';
  expect((await deletion(`${old}, ${current}`)).status).toBe(200);
  expect((await deletion(current)).status).toBe(404);
  await addConnection(service, { body: { connection_name: name } });
  expect((await deletion(current)).status).toBe(412);
  expect((await deletion('*')).status).toBe(200);
});
