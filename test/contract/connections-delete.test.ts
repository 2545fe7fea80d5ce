import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, startTrip } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

test('a deleted connection is gone, with its tokens, here and at the provider', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  const { accessToken } = await importGrant(service, connection, 3600);
  const { state } = await startTrip(service, connection);
  const answer = await service.api.delete(connection.path, { organization: 'acme' });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ message: expect.stringContaining(connection.name), disabled_workflows: [] });
  expect(await service.provider.accepts(accessToken)).toBe(false);
  for (const path of [connection.path, `${connection.path}/grants`, connection.credential]) {
    const gone = await service.api.get(path, { organization: 'acme' });
    expect(gone).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
  }
  expect((await service.api.get(`/authorizations/${state}`, { organization: 'acme' })).status).toBe(404);
  expect((await service.api.delete(connection.path, { organization: 'acme' })).status).toBe(404);
});

test('its name is free again, and nothing of the old one comes back with it', async () => {
  const connection = await addConnection(service);
  await importGrant(service, connection, 3600);
  await service.api.delete(connection.path);
  await addConnection(service, { body: { connection_name: connection.name } });
  expect(await service.api.get(connection.credential)).toMatchObject({
    status: 503,
    body: { connection_status: 'not_connected', status_reason: null },
  });
});

test('an organisation never deletes a global connection, nor another organisation’s', async () => {
  for (const owner of [undefined, 'acme']) {
    const connection = await addConnection(service, { ...(owner && { organization: owner }) });
    const answer = await service.api.delete(connection.path, { organization: 'globex' });
    expect(answer).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await service.api.get(connection.path, { organization: owner })).status).toBe(200);
  }
});

test('deleting the organisation’s own uncovers the global one', async () => {
  const global = await addConnection(service);
  const { accessToken } = await importGrant(service, global, 3600);
  await addConnection(service, { organization: 'acme', body: { connection_name: global.name } });
  await service.api.delete(global.path, { organization: 'acme' });
  const { body } = await service.api.get(global.credential, { organization: 'acme' });
  expect(body).toMatchObject({ organization_id: null, access_token: accessToken });
});

test('a provider that is away does not keep a connection alive', async () => {
  const connection = await addConnection(service);
  await importGrant(service, connection, 3600);
  await service.provider.setOutage('refused');
  expect((await service.api.delete(connection.path)).status).toBe(200);
  await service.provider.setOutage('none');
  expect((await service.api.get(connection.path)).status).toBe(404);
});

test.each(['true', 'false'])('confirm_disable_workflows=%s is accepted', async (confirm) => {
  const connection = await addConnection(service);
  const answer = await service.api.delete(`${connection.path}?confirm_disable_workflows=${confirm}`);
  expect(answer.status).toBe(200);
});

test('confirm_disable_workflows takes a boolean, once', async () => {
  const connection = await addConnection(service);
  for (const query of [
    'confirm_disable_workflows=1',
    'confirm_disable_workflows=true&confirm_disable_workflows=true',
  ]) {
    const answer = await service.api.delete(`${connection.path}?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'query.confirm_disable_workflows' }] } });
  }
  expect((await service.api.get(connection.path)).status).toBe(200);
});
