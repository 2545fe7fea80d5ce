import { connect as openSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { allPermissions, openScene, type Scene, uniqueName } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

/** Posts a body as raw text, so that duplicate members reach the service. */
function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { authorization: `Bearer ${scene.adminKey}`, 'content-type': 'application/json', ...headers };
  return fetch(`${scene.url}${path}`, { method: 'POST', headers: all, body });
}

/** Sends raw bytes; resolves to everything the service sends until the connection closes. */
function sendRaw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let response = '';
    const socket = openSocket(scene.broker.port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      response += chunk;
    });
    socket.on('close', () => resolve(response)).on('error', reject);
    // Closes a connection that the service keeps open: after 500 ms of silence no further response is expected.
    socket.setTimeout(500, () => socket.destroy());
  });
}

describe('ambiguous requests', () => {
  const head = (line: string) => `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
  const smuggled = 'GET /connections HTTP/1.1\r\nHost: x\r\n\r\n';

  test.each([
    [
      'both Content-Length and chunked encoding',
      `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['two Content-Length headers', `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`],
    ['an unknown transfer encoding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a folded header', `X-Organization-Id: a\r\n b\r\n\r\n${smuggled}`],
    ['a space before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a bare line feed', `Content-Length: 0\nX: y\n\n${smuggled}`],
  ])('a request with %s is refused, and no second request is read from its bytes', async (_, rest) => {
    // Both routes could respond before reading the rest. The only response must be the refusal of the invalid bytes.
    for (const line of ['POST /connections', 'GET /connections?limit=none']) {
      const response = await sendRaw(`${head(line)}${rest}`);
      expect(response).toMatch(/^HTTP\/1\.1 400 /);
      expect(response.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(response).toContain('is not valid HTTP');
    }
  });

  test('two Authorization headers with two organisation headers in one request are refused', async () => {
    const { key } = await scene.newKey({ organizations: ['b'], permissions: allPermissions });
    const both = `GET /connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
    const response = await sendRaw(`${both}X-Organization-Id: b\r\nX-Organization-Id: a\r\nConnection: close\r\n\r\n`);
    expect(response).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  test('an absolute request target with another host is refused without a redirect', async () => {
    const response = await sendRaw(
      `GET http://evil.test/authorize/${'A'.repeat(43)} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n`,
    );
    expect(response).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(response).not.toMatch(/location: /i);
  });

  test.each([
    '{"a":1,"a":2}',
    '[]',
    'null',
    '"x"',
    '1e999',
    '{"connection_name":"a","connection_name":"b"}',
    '\ufeff{}',
  ])('the body %s is refused and creates no connection', async (body) => {
    const before = await connectionCount();
    expect((await post('/connections', body)).status).toBe(400);
    expect(await connectionCount()).toBe(before);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
  ])('a body of content type %s is refused, so that a cross-site form cannot post', async (type) => {
    const body = JSON.stringify({ connection_name: uniqueName(), client_id: 'x' });
    expect((await post('/connections', body, { 'content-type': type })).status).toBe(415);
  });

  test('no response allows another origin to read it', async () => {
    const responses: ApiResponse[] = [
      await scene.api.get('/connections', { headers: { origin: 'https://evil.test' } }),
      await scene.api.call('OPTIONS', '/connections', { headers: { origin: 'https://evil.test' } }),
    ];
    for (const { headers } of responses) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  const connectionCount = async () => (await scene.rows('select count(*) from connections'))[0]?.count;
});
