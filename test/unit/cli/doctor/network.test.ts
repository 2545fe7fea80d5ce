import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { proxyOf } from '../../../../src/cli/doctor/facts/proxy.ts';
import { readService } from '../../../../src/cli/doctor/facts/service.ts';
import { providersCheck } from '../../../../src/doctor/checks/providers.ts';
import { proxyCheck } from '../../../../src/doctor/checks/proxy.ts';
import { publicUrlCheck } from '../../../../src/doctor/checks/public-url.ts';
import { redirectUrisCheck } from '../../../../src/doctor/checks/redirect-uris.ts';
import type { Endpoint } from '../../../../src/doctor/ground.ts';
import { createGround, type GroundChanges, noon } from '../../../support/cli/doctor-ground.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Nothing listens there. */
const closed = 'http://127.0.0.1:1';
const answering = (body: unknown, status = 200, headers = {}) =>
  serve((_request, response) => response.writeHead(status, headers).end(JSON.stringify(body)));
const at = async (publicUrl: string, changes: GroundChanges = {}) =>
  publicUrlCheck.run(createGround({ publicUrl: async () => ({ isRead: true, body: publicUrl }), ...changes }));

test('a public URL is judged by what answers there', async () => {
  const own = { service: 'token-broker', last_sweep_at: new Date(noon).toISOString() };
  expect(await at(await answering(own))).toMatchObject({ state: 'ok' });
  const url = await answering(own);
  const other = await answering({ ...own, last_sweep_at: '2029-01-01T00:00:00.000Z' });
  expect(await at(other, { url })).toMatchObject({ found: expect.stringContaining('another installation') });
  expect(await at(await answering({}))).toMatchObject({ found: expect.stringContaining('not a token-broker') });
  const redirect = await answering({}, 301, { location: 'https://www.example/' });
  expect(await at(redirect)).toMatchObject({ found: expect.stringContaining('redirects to https://www.example/') });
  const remote = await at('http://localhost:8080', { url: 'https://broker.example' });
  expect(remote).toMatchObject({ state: 'failed', found: expect.stringContaining('its own machine') });
});

test('redirect URIs arrive if the page for a callback without a state comes back', async () => {
  const judge = (publicUrl: string) =>
    redirectUrisCheck.run(createGround({ publicUrl: async () => ({ isRead: true, body: publicUrl }) }));
  const page = await answering('', 400, { 'content-type': 'text/html; charset=utf-8' });
  expect(await judge(page)).toMatchObject({ state: 'ok', found: expect.stringContaining(`${page}/callback/`) });
  expect(await judge(await answering({}, 404))).toMatchObject({
    state: 'failed',
    next: expect.stringContaining('proxy'),
  });
});

test('a gateway without its service is silent, and any other program is a stranger', async () => {
  expect(await readService(closed)).toMatchObject({ state: 'silent' });
  expect(await readService(await answering({}, 502))).toMatchObject({ state: 'silent' });
  expect(await readService(await answering({}))).toEqual({ state: 'stranger', status: 200 });
});

const endpoint = (tokenUrl: string, lastError: Endpoint['lastError'] = null): Endpoint => ({
  connection: 'crm',
  tokenUrl,
  lastError,
});
const withEndpoints = (body: Endpoint[], changes: GroundChanges = {}) =>
  createGround({ endpoints: async () => ({ isRead: true, body }), ...changes });

test('a token endpoint that refuses connections is named; the last error tells the same from elsewhere', async () => {
  const open = `${await answering({})}/token`;
  expect(await providersCheck.run(withEndpoints([endpoint(open)]))).toMatchObject({ state: 'ok' });
  const refused = await providersCheck.run(withEndpoints([endpoint(open), endpoint(`${closed}/token`)]));
  expect(refused).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('127.0.0.1:1 of the connection crm'),
  });
  const lastError = { class: 'transient', error: null, error_description: 'No connection.', http_status: null };
  const elsewhere = await providersCheck.run(withEndpoints([endpoint(open, lastError)], { isLocal: false }));
  expect(elsewhere).toMatchObject({ state: 'failed', found: expect.stringContaining('crm failed: No connection.') });
  const access = { state: 'accepted', stats: { failing: { count: 3 } } } as const;
  expect(await providersCheck.run(withEndpoints([endpoint(open)], { access }))).toMatchObject({ state: 'warning' });
});

test('through a proxy, a token endpoint is tried by a tunnel with the credentials of the proxy', async () => {
  const tunnels: (string | undefined)[] = [];
  const proxy = await serve(() => {});
  servers.at(-1)?.on('connect', (request, socket) => {
    tunnels.push(request.url, request.headers['proxy-authorization']);
    socket.end(request.url?.startsWith('good.example') ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 502 Bad\r\n\r\n');
  });
  const environment = { PROVIDER_PROXY_URL: proxy.replace('//', '//user:pass@'), NO_PROXY: 'localhost, .internal' };
  const judge = (tokenUrl: string) => providersCheck.run(withEndpoints([endpoint(tokenUrl)], { environment }));
  expect(await judge('https://good.example/token')).toMatchObject({ state: 'ok' });
  expect(tunnels).toEqual(['good.example:443', `Basic ${btoa('user:pass')}`]);
  expect(await judge('https://bad.example/token')).toMatchObject({ found: expect.stringContaining('status 502') });
  expect(await proxyCheck.run(withEndpoints([endpoint('https://a.internal/')], { environment }))).toMatchObject({
    state: 'warning',
    found: expect.stringContaining('NO_PROXY'),
  });
  const gone = { PROVIDER_PROXY_URL: closed };
  expect(await proxyCheck.run(createGround({ environment: gone }))).toMatchObject({ state: 'failed' });
});

test.each([
  ['*', 'any.example', true],
  ['.example', 'a.example', true],
  ['example', 'a.example', true],
  ['ample', 'a.example', false],
  ['', 'a.example', false],
])('NO_PROXY=%s leaves out %s: %s', (exceptions, host, isLeftOut) => {
  const environment = { PROVIDER_PROXY_URL: 'http://proxy:3128', NO_PROXY: exceptions };
  expect(proxyOf({ environment, directory: '/' })?.leavesOut(host)).toBe(isLeftOut);
});
