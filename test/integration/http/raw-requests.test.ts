import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminKey, createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture;
let port: number;
beforeAll(async () => {
  fixture = await createHttpFixture();
  port = Number(new URL(await fixture.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => fixture.app.close());

const common = `Host: x\r\nAuthorization: Bearer ${adminKey}\r\nX-Organization-Id: acme\r\n`;
const close = 'Connection: close\r\n';

/** Sends the parts, each after the first response bytes to the part before. Resolves to all that the server sends. */
function exchange(...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const rest = [...parts];
    const socket = connect(port, '127.0.0.1', () => socket.write(rest.shift() ?? ''));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
      const next = rest.shift();
      if (next !== undefined) socket.write(next);
    });
    socket.on('close', () => resolve(received)).on('error', reject);
  });
}

const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe('a request as bytes', () => {
  const json = '{"connection_name":"crm","client_id":"c"}';

  test.each([
    ['UTF-8', 'utf8'],
    ['Latin-1', 'latin1'],
  ] as const)('a query with a character in %s is 400: it must be percent-encoded', async (_, charset) => {
    const request = `GET /credentials/crm?subject=é HTTP/1.1\r\n${common}${close}\r\n`;
    const text = await exchange(Buffer.from(request, charset));
    expect(statusesOf(text)).toEqual([400]);
  });

  test('the body follows when the client expected 100 Continue', async () => {
    const head = `POST /connections HTTP/1.1\r\n${common}${close}Content-Type: application/json\r\nExpect: 100-continue\r\n`;
    expect(statusesOf(await exchange(`${head}Content-Length: ${json.length}\r\n\r\n`, json))).toEqual([100, 201]);
  });

  test('another expectation is 417', async () => {
    expect(statusesOf(await exchange(`GET /connections HTTP/1.1\r\n${common}${close}Expect: tea\r\n\r\n`))).toEqual([
      417,
    ]);
  });

  test('a chunked body with an extension and a trailer is read', async () => {
    const head = `POST /connections HTTP/1.1\r\n${common}${close}Content-Type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\n`;
    const half = json.length - 3;
    const chunks = `${half.toString(16)};a=b\r\n${json.slice(0, half)}\r\n3\r\n${json.slice(half)}\r\n0\r\nX-Trailer: y\r\n\r\n`;
    expect(statusesOf(await exchange(head + chunks))).toEqual([201]);
  });

  test('an empty chunked body counts as {}', async () => {
    const head = `POST /connections/crm/authorize HTTP/1.1\r\n${common}${close}Content-Type: application/json\r\n`;
    expect(statusesOf(await exchange(`${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`))).toEqual([200]);
  });

  test('a compressed transfer coding is 415', async () => {
    const head = `POST /connections HTTP/1.1\r\n${common}${close}Content-Type: application/json\r\n`;
    const text = await exchange(`${head}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\n{} \r\n0\r\n\r\n`);
    expect(statusesOf(text)).toEqual([415]);
    expect(text).toContain('accept-encoding: identity');
  });

  test('HTTP/1.0 gets a response that ends with the connection and has no chunks', async () => {
    const text = await exchange(`GET /connections HTTP/1.0\r\n${common}\r\n`);
    expect(statusesOf(text)).toEqual([200]);
    expect(text).toMatch(/^connection: close\r$/im);
    expect(text).not.toMatch(/^transfer-encoding:/im);
  });

  test('a body of GET is skipped, and the next request on the connection is answered', async () => {
    const skipped = `GET /connections HTTP/1.1\r\n${common}Content-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello`;
    const text = await exchange(`${skipped}GET /livez HTTP/1.1\r\n${common}${close}\r\n`);
    expect(statusesOf(text)).toEqual([200, 200]);
  });
});
