import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { expectStatus, openScene, type Scene, uniqueName } from './scene.ts';

/** URLs that no connection may hold: internal addresses in every notation, other schemes, malformed URLs. */
const refusedUrls = [
  'http://127.0.0.1/',
  'https://127.0.0.1/',
  'https://127.0.0.1./',
  'https://127.1/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://2130706433/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.1.1:8443/',
  'https://100.64.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://168.63.129.16/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://192.0.2.1/',
  'https://198.18.0.1/',
  'https://[::]/',
  'https://[::1]/',
  'https://[::127.0.0.1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[64:ff9b::a9fe:a9fe]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/',
  'https://[fe80::1]/',
  'https://[ff02::1]/',
  'https://①②⑦.⓪.⓪.①/',
  'https://127。0。0。1/',
  'http://provider.test/',
  'https://user@provider.test/',
  'https://user:password@provider.test/',
  'ftp://provider.test/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https:\\\\127.0.0.1\\',
  'https://provider.test\\@127.0.0.1/',
  'https://provider.test/\r\nhost: 127.0.0.1',
  '//provider.test/',
  'https://',
  'https://[::1',
];
const urlFields = ['authorization_url', 'revocation_url', 'test_url', 'token_url'];

describe('server-side request forgery, with private networks closed by default', () => {
  let scene: Scene;
  let port: number;
  let server: Server;
  let sockets: Socket[];
  let path: string;
  beforeAll(async () => {
    sockets = [];
    server = createServer((socket) => sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    scene = await openScene({ ALLOW_PRIVATE_NETWORK: 'false' });
    const connection = validConnection();
    expectStatus(await scene.api.post('/connections', connection), 201);
    path = `/connections/${connection.connection_name}`;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    await scene?.close();
  });

  const validConnection = () => ({
    connection_name: uniqueName(),
    client_id: 'client',
    client_secret: 'secret',
    ...Object.fromEntries(urlFields.map((field) => [field, `https://provider.test/${field}`])),
  });

  test.each(refusedUrls)('no URL field of a connection accepts %j, on create or on edit', async (url) => {
    const urls = Object.fromEntries(urlFields.map((field) => [field, url]));
    const refused = { status: 400, code: 'invalid_request', paths: urlFields };
    expect(refusalOf(await scene.api.post('/connections', { ...validConnection(), ...urls }))).toEqual(refused);
    expect(refusalOf(await scene.api.patch(path, { ...urls, client_secret: 'secret' }))).toEqual(refused);
    const replacement = { client_id: 'client', client_secret: 'secret', ...urls };
    expect(refusalOf(await scene.api.call('PUT', path, { body: replacement }))).toEqual(refused);
    expect((await scene.api.get(path)).body).toMatchObject({ token_url: 'https://provider.test/token_url' });
  });

  describe('a host name that resolves to a loopback address', () => {
    const loopbackOrigin = () => `https://localhost:${port}`;
    const connectionCount = () => sockets.length;

    test('a token endpoint whose name resolves to loopback receives no client secret, and the status says why', async () => {
      const body = {
        ...validConnection(),
        oauth_flow_type: 'client_credentials',
        token_url: `${loopbackOrigin()}/token`,
      };
      const created = expectStatus(await scene.api.post('/connections', body), 201);
      expect(created.body).toMatchObject({
        status: 'failed',
        status_message: expect.stringContaining('may not be reached'),
        last_error: { class: 'refused', error_description: expect.stringContaining('resolves to an address') },
      });
      expect(connectionCount()).toBe(0);
    });

    test('refresh, test and revocation endpoints whose name resolves to loopback receive no token', async () => {
      const urls = {
        token_url: `${loopbackOrigin()}/token`,
        test_url: `${loopbackOrigin()}/me`,
        revocation_url: `${loopbackOrigin()}/revoke`,
      };
      const body = { ...validConnection(), ...urls };
      expectStatus(await scene.api.post('/connections', body), 201);
      const path = `/connections/${body.connection_name}`;
      const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600 };
      expectStatus(await scene.api.post(`${path}/grants`, tokens), 201);
      expect((await scene.api.post(`${path}/test`)).body).toMatchObject({ test_result: 'failed' });
      expect((await scene.api.post(`${path}/refresh`)).status).toBe(503);
      const revoked = { revoked: [{ revoked_at_provider: false }] };
      expect((await scene.api.post(`${path}/revoke`)).body).toMatchObject(revoked);
      expectStatus(await scene.api.delete(path), 200);
      expect(connectionCount()).toBe(0);
    });

    test('the loopback server does count a connection that is made', async () => {
      await fetch(`http://localhost:${port}/`, { signal: AbortSignal.timeout(300) }).catch(() => {});
      expect(connectionCount()).toBe(1);
    });
  });

  describe('template variables', () => {
    test.each([
      'evil.test/',
      'evil.test#',
      'evil.test?',
      'x@evil.test',
      'a.b',
      '..',
      '%2f',
      'a b',
      'é',
      '127.0.0.1',
      '',
    ])('the tenant variable %j cannot change the host of the token URL', async (value) => {
      const templated = { connection_name: uniqueName(), client_id: 'c', provider: 'microsoft-graph' };
      for (const tenant of [`${value}`, `common/${value}`, `${value}\\`]) {
        const response = await scene.api.post('/connections', { ...templated, variables: { tenant } });
        if (response.status === 201)
          expect(new URL(String(response.body.token_url)).origin, tenant).toBe('https://login.microsoftonline.com');
        else expect(response, response.text).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      }
    });

    test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
      'the prototype name %s is neither a template variable nor a provider template',
      async (name) => {
        const response = await scene.api.post('/connections', { ...validConnection(), variables: { [name]: 'x' } });
        expect(response, response.text).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
        expect((await scene.api.post('/connections', { ...validConnection(), provider: name })).status).toBe(400);
        expect((await scene.api.get(`/providers/${name}`)).status).toBe(404);
      },
    );
  });
});

function refusalOf({ status, body }: ApiResponse) {
  const errors = body.errors as { path: string }[] | undefined;
  return { status, code: body.code, paths: errors?.map((error) => error.path).sort() };
}
