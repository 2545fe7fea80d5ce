import { connect as openSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiAnswer } from '../support/broker-api.ts';
import { allPermissions, openScene, type Scene, uniqueName } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

/** A body as it is written, duplicates and all. */
function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { authorization: `Bearer ${scene.adminKey}`, 'content-type': 'application/json', ...headers };
  return fetch(`${scene.url}${path}`, { method: 'POST', headers: all, body });
}

/** Bytes as they are, and all that comes back for them. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = openSocket(scene.broker.port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
    // Whoever has nothing to say any more after half a second leaves.
    socket.setTimeout(500, () => socket.destroy());
  });
}

describe('requests that mean two things', () => {
  const head = (line: string) => `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
  const second = 'GET /connections HTTP/1.1\r\nHost: x\r\n\r\n';

  test.each([
    ['a length and chunks', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`],
    ['two lengths', `Content-Length: 0\r\nContent-Length: ${second.length}\r\n\r\n${second}`],
    ['an odd transfer encoding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`],
    ['a folded header', `X-Organization-Id: a\r\n b\r\n\r\n${second}`],
    ['a space before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`],
    ['a bare line feed', `Content-Length: 0\nX: y\n\n${second}`],
  ])('%s end the connection', async (_, rest) => {
    // Both have an answer of their own that needs no waiting: it may not come before the rest is found to be broken.
    for (const line of ['POST /connections', 'GET /connections?limit=none']) {
      const answer = await raw(`${head(line)}${rest}`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(answer).toContain('is not valid HTTP');
    }
  });

  test('the first of two Authorization headers cannot lend its rights to another organisation of the second', async () => {
    const { key } = await scene.newKey({ organizations: ['b'], permissions: allPermissions });
    const both = `GET /connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
    const answer = await raw(`${both}X-Organization-Id: b\r\nX-Organization-Id: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  test('an absolute request target names no other host', async () => {
    const answer = await raw(
      `GET http://evil.test/authorize/${'A'.repeat(43)} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer).not.toMatch(/location: /i);
  });

  test.each([
    '{"a":1,"a":2}',
    '[]',
    'null',
    '"x"',
    '1e999',
    '{"connection_name":"a","connection_name":"b"}',
    '\ufeff{}',
  ])('a body of %s makes nothing', async (body) => {
    const before = await count();
    expect((await post('/connections', body)).status).toBe(400);
    expect(await count()).toBe(before);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
  ])('a cross-site form can post %s without asking first: it is refused', async (type) => {
    const body = JSON.stringify({ connection_name: uniqueName(), client_id: 'x' });
    expect((await post('/connections', body, { 'content-type': type })).status).toBe(415);
  });

  test('no route lets another origin read it', async () => {
    const answers: ApiAnswer[] = [
      await scene.api.get('/connections', { headers: { origin: 'https://evil.test' } }),
      await scene.api.call('OPTIONS', '/connections', { headers: { origin: 'https://evil.test' } }),
    ];
    for (const { headers } of answers) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  const count = async () => (await scene.rows('select count(*) from connections'))[0]?.count;
});
