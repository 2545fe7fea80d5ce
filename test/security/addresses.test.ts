import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiAnswer } from '../support/broker-api.ts';
import { expectStatus, openScene, type Scene, uniqueName } from './scene.ts';

/** What a writer may not have the service call; every one of them is somewhere inside. */
const inside = [
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
const fields = ['authorization_url', 'revocation_url', 'test_url', 'token_url'];

describe('threat 23: with private networks closed, as they are by default', () => {
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
    const connection = sound();
    expectStatus(await scene.api.post('/connections', connection), 201);
    path = `/connections/${connection.connection_name}`;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    await scene?.close();
  });

  const sound = () => ({
    connection_name: uniqueName(),
    client_id: 'client',
    client_secret: 'secret',
    ...Object.fromEntries(fields.map((field) => [field, `https://provider.test/${field}`])),
  });

  test.each(inside)('%j is no address of a provider, on create or on edit, in any field', async (url) => {
    const bad = Object.fromEntries(fields.map((field) => [field, url]));
    const refused = { status: 400, code: 'invalid_request', paths: fields };
    expect(faults(await scene.api.post('/connections', { ...sound(), ...bad }))).toEqual(refused);
    expect(faults(await scene.api.patch(path, { ...bad, client_secret: 'secret' }))).toEqual(refused);
    const whole = { client_id: 'client', client_secret: 'secret', ...bad };
    expect(faults(await scene.api.call('PUT', path, { body: whole }))).toEqual(refused);
    expect((await scene.api.get(path)).body).toMatchObject({ token_url: 'https://provider.test/token_url' });
  });

  describe('a name that only resolves to one', () => {
    const local = () => `https://localhost:${port}`;
    const connections = () => sockets.length;

    test('is sent neither secret nor code, and the reason is told', async () => {
      const body = { ...sound(), oauth_flow_type: 'client_credentials', token_url: `${local()}/token` };
      const created = expectStatus(await scene.api.post('/connections', body), 201);
      expect(created.body).toMatchObject({
        status: 'failed',
        status_message: expect.stringContaining('may not be reached'),
      });
      expect(connections()).toBe(0);
    });

    test('is sent no token: not to refresh, not to test, not to revoke', async () => {
      const urls = { token_url: `${local()}/token`, test_url: `${local()}/me`, revocation_url: `${local()}/revoke` };
      const body = { ...sound(), ...urls };
      expectStatus(await scene.api.post('/connections', body), 201);
      const path = `/connections/${body.connection_name}`;
      const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 3600 };
      expectStatus(await scene.api.post(`${path}/grants`, tokens), 201);
      expect((await scene.api.post(`${path}/test`)).body).toMatchObject({ test_result: 'failed' });
      expect((await scene.api.post(`${path}/refresh`)).status).toBe(503);
      const revoked = { revoked: [{ revoked_at_provider: false }] };
      expect((await scene.api.post(`${path}/revoke`)).body).toMatchObject(revoked);
      expectStatus(await scene.api.delete(path), 200);
      expect(connections()).toBe(0);
    });

    test('the watched server would have seen a connection', async () => {
      await fetch(`http://localhost:${port}/`, { signal: AbortSignal.timeout(300) }).catch(() => {});
      expect(connections()).toBe(1);
    });
  });

  describe('threat 24: a variable stays in its slot', () => {
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
    ])('a tenant of %j makes no connection', async (value) => {
      const templated = { connection_name: uniqueName(), client_id: 'c', provider: 'microsoft-graph' };
      for (const tenant of [`${value}`, `common/${value}`, `${value}\\`]) {
        const answer = await scene.api.post('/connections', { ...templated, variables: { tenant } });
        if (answer.status === 201)
          expect(new URL(String(answer.body.token_url)).origin, tenant).toBe('https://login.microsoftonline.com');
        else expect(answer, answer.text).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      }
    });

    test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
      '%s is no variable and no template',
      async (name) => {
        const answer = await scene.api.post('/connections', { ...sound(), variables: { [name]: 'x' } });
        expect(answer, answer.text).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
        expect((await scene.api.post('/connections', { ...sound(), provider: name })).status).toBe(400);
        expect((await scene.api.get(`/providers/${name}`)).status).toBe(404);
      },
    );
  });
});

function faults({ status, body }: ApiAnswer) {
  const errors = body.errors as { path: string }[] | undefined;
  return { status, code: body.code, paths: errors?.map((fault) => fault.path).sort() };
}
