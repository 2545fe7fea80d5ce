import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

interface Head {
  status: number;
  headers: Headers;
}

/** Sends bytes as they are, and reads the head of the response. */
function sendRaw(bytes: string): Promise<Head> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(scene.broker.port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
      if (received.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [first = '', ...lines] = (received.split('\r\n\r\n')[0] ?? '').split('\r\n');
      const headers = lines.map((line): [string, string] => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
      resolve({ status: Number(first.split(' ')[1]), headers: new Headers(headers) });
    });
  });
}

function expectGuarded({ status, headers }: Head, what: string): void {
  const guards = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  for (const [name, value] of Object.entries(guards))
    expect(headers.get(name), `${name} of ${what}, ${status}`).toBe(value);
  expect(headers.get('x-request-id'), `id of ${what}, ${status}`).toMatch(/./);
  if (headers.get('content-type')?.startsWith('text/html')) {
    expect(headers.get('content-security-policy'), what).toContain("default-src 'none'");
    expect(headers.get('content-security-policy'), what).toContain("frame-ancestors 'none'");
  }
  expect(headers.get('server'), what).toBeNull();
  expect(headers.get('x-powered-by'), what).toBeNull();
}

describe('a page of another site can neither read, cache, frame nor sniff', () => {
  test('any response of any operation, with a key and without', async () => {
    const document = (await (await fetch(`${scene.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    let count = 0;
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        for (const authorization of [undefined, `Bearer ${scene.adminKey}`]) {
          const url = `${scene.url}${path.replaceAll(/\{\w+\}/g, 'absent')}`;
          const headers = { ...(authorization !== undefined && { authorization }) };
          const response = await fetch(url, { method, headers, redirect: 'manual' });
          await response.body?.cancel();
          const { status, headers: received } = response;
          const guarded = new Headers(received);
          // The policy of a response without a body would have nothing to hold.
          if (method === 'HEAD') guarded.delete('content-type');
          expectGuarded({ status, headers: guarded }, `${method} ${path}`);
          if (method.toLowerCase() in operations) count += 1;
        }
      }
    }
    expect(count).toBeGreaterThan(80);
  });

  test.each([
    '/',
    '/absent',
    '/connections/',
    '//connections',
    '/%',
    '/connections/%ff',
    '/..%2f',
    `/${'a'.repeat(4000)}`,
  ])('a path that is not served: %s', async (path) =>
    expectGuarded(await sendRaw(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`), path),
  );

  const host = 'Host: x\r\n';
  test.each<[what: string, bytes: string]>([
    ['bytes that are no HTTP', 'NONSENSE\r\n\r\n'],
    ['an unknown method', `BREW /health HTTP/1.1\r\n${host}\r\n`],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n'],
    ['two hosts', `GET /health HTTP/1.1\r\n${host}${host}\r\n`],
    ['another version', `GET /health HTTP/3.9\r\n${host}\r\n`],
    ['headers that are too large', `GET /health HTTP/1.1\r\n${host}X-Large: ${'a'.repeat(70_000)}\r\n\r\n`],
    ['a header without a colon', `GET /health HTTP/1.1\r\n${host}nonsense\r\n\r\n`],
    ['a length that is no number', `POST /connections HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n`],
    ['two lengths', `POST /connections HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    [
      'length and chunks',
      `POST /connections HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['an unknown transfer coding', `POST /connections HTTP/1.1\r\n${host}Transfer-Encoding: nonsense\r\n\r\n`],
    [
      'an expectation that is not known',
      `POST /connections HTTP/1.1\r\n${host}Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}`,
    ],
    ['an upgrade', `GET /health HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ])('a refusal of %s', async (what, bytes) => {
    const head = await sendRaw(bytes);
    expect(head.status, what).toBeLessThan(500);
    expectGuarded(head, what);
  });
});
