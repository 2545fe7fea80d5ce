import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const importAs = ({ path }: TestConnection, organization: string, subject?: string) =>
  service.api.post(`${path}/grants`, { access_token: 'live', expires_in: 3600, subject }, { organization });
const tokenOf = async ({ credential }: TestConnection) => (await service.api.get(credential)).status;

describe('an edit that drops tokens', () => {
  test.each(['PATCH', 'PUT'])('%s is refused while grants work, and changes nothing', async (method) => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    for (const organization of ['acme', 'globex']) await importAs(connection, organization);
    await importAs(connection, 'acme', 'ann');
    // Names the configuration and stays the same while grants are refreshed.
    const configuration = async () => (await service.api.get(connection.path)).headers.get('etag');
    const before = await configuration();
    const { provider } = service;
    const body = {
      client_id: connection.clientId,
      client_secret: connection.clientSecret,
      authorization_url: provider.endpoints.authorization,
      token_url: `${provider.endpoints.token}?moved`,
    };
    const send = (query: string) => service.api.call(method, `${connection.path}${query}`, { body });
    for (const query of ['', '?confirm_disconnect=false']) {
      expect(await send(query)).toMatchObject({
        status: 400,
        body: { code: 'would_disconnect', grants: 4, organizations: 3 },
      });
    }
    expect(await configuration()).toBe(before);
    expect(await tokenOf(connection)).toBe(200);
    expect((await send('?confirm_disconnect=true')).status).toBe(200);
    expect(await tokenOf(connection)).toBe(503);
    // Nothing works any more, so the next edit needs no confirmation.
    expect((await send('')).status).toBe(200);
  });

  test('an edit that keeps tokens, or that meets no working grant, needs no confirmation', async () => {
    const connection = await addConnection(service);
    const redirect = { client_id: 'another', client_secret: connection.clientSecret };
    expect((await service.api.patch(connection.path, redirect)).status).toBe(200);
    await importAs(connection, 'acme');
    expect((await service.api.patch(connection.path, { description: 'x', client_secret: 'new' })).status).toBe(200);
  });

  test('without the client secret, the missing secret is reported first', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    const response = await service.api.patch(connection.path, { client_id: 'another' });
    expect(response.body.code).toBe('client_secret_required');
  });
});
