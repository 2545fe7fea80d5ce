import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, startAuthorization } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const fields = { allow_import: true, pkce: false, terminal_errors: ['dead_grant'], error_path: 'fault.code' };
const defaults = { allow_import: false, pkce: null, terminal_errors: [], error_path: null };

describe('rules that a connection may set', () => {
  test('they are returned, kept by PATCH, and replaced by PUT', async () => {
    const connection = await addConnection(service, { organization: 'acme', body: fields });
    const options = { organization: 'acme' };
    expect((await service.api.get(connection.path, options)).body).toMatchObject(fields);
    const patched = await service.api.patch(connection.path, { pkce: null }, options);
    expect(patched.body).toMatchObject({ ...fields, pkce: null });
    const { provider } = service;
    const replaced = await service.api.call('PUT', connection.path, {
      ...options,
      body: {
        client_id: connection.clientId,
        authorization_url: provider.endpoints.authorization,
        token_url: provider.endpoints.token,
        revocation_url: provider.endpoints.revocation,
        test_url: provider.endpoints.userinfo,
      },
    });
    expect(replaced.body).toMatchObject(defaults);
  });

  test.each([
    ['pkce', 'no'],
    ['terminal_errors', 'dead'],
    ['error_path', 'a b'],
    ['error_path', '..'],
    ['allow_import', 1],
  ])('%s refuses %j', async (field, value) => {
    const response = await service.api.post('/connections', { connection_name: 'x', client_id: 'x', [field]: value });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
  });

  test.each([
    [undefined, 'S256'],
    [true, 'S256'],
    [false, null],
  ])('with pkce %j the authorization request has the method %j', async (pkce, method) => {
    const connection = await addConnection(service, { body: pkce === undefined ? {} : { pkce } });
    const { link } = await startAuthorization(service, connection);
    const hop = await createBrowser().send('GET', new URL(link));
    expect(hop.location?.searchParams.get('code_challenge_method')).toBe(method);
  });
});

describe('an import below a global connection', () => {
  test('needs the consent of its owner, who may import at any time', async () => {
    const connection = await addConnection(service, { body: { allow_import: false } });
    const importAs = (organization?: string) =>
      service.api.post(`${connection.path}/grants`, { access_token: 'at', refresh_token: 'rt' }, { organization });
    expect(await importAs('acme')).toMatchObject({ status: 403, body: { code: 'import_not_allowed' } });
    expect((await service.api.get(`${connection.path}/grants`, { organization: 'acme' })).body.grants).toEqual([]);
    expect((await importAs()).status).toBe(201);
    await service.api.patch(connection.path, { allow_import: true });
    expect((await importAs('acme')).status).toBe(201);
  });
});
