import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../../../src/http/contract/contract.ts';
import { adminKey, createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture;
let port: number;
beforeAll(async () => {
  fixture = await createHttpFixture({}, { bodyTimeoutMs: 1000 });
  port = Number(new URL(await fixture.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => fixture.app.close());

interface Drip {
  method: string;
  path: string;
  type: string;
  key?: string;
  /** Sent at once, after the headers. */
  start?: string;
  byte?: string;
}

/**
 * Sends a chunked body a byte every 100 ms, without an end. Resolves when the server has closed the connection: a client
 * that ignores the end of the response and sends on is cut off too.
 */
function drip({ method, path, type, key = adminKey, start = '', byte = ' ' }: Drip): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const chunk = (text: string) => (text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      const headers = `Host: x\r\nAuthorization: Bearer ${key}\r\nX-Organization-Id: acme\r\nContent-Type: ${type}\r\n`;
      socket.write(
        `${method} ${path.replace(/\{\w+\}/g, 'x')} HTTP/1.1\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`,
      );
      socket.write(chunk(start));
      timer = setInterval(() => socket.write(chunk(byte)), 100);
    });
    let timer: NodeJS.Timeout | undefined;
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket
      .on('error', () => {})
      .on('close', () => {
        clearInterval(timer);
        resolve(received);
      });
  });
}

const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const typeOf = (tag: string) => (tag === 'Browser' ? 'application/x-www-form-urlencoded' : 'application/json');

describe('a body that arrives a byte at a time', () => {
  test.concurrent.each(
    contract
      .filter(({ method, lines }) => method !== 'GET' && lines === undefined)
      .map(({ method, path, tag }) => ({ method, path, type: typeOf(tag) })),
  )('$method $path is ended with 408', async (route) => {
    const received = await drip(route);
    expect(statusesOf(received)).toEqual([408]);
    expect(received).toContain('"code":"request_timeout"');
  });

  test.concurrent.each<[string, Drip, number]>([
    ['that GET does not read', { method: 'GET', path: '/connections', type: 'application/json' }, 200],
    ['with a wrong key', { method: 'POST', path: '/connections', type: 'application/json', key: 'wrong' }, 401],
    [
      'of an import with a wrong key',
      { method: 'POST', path: '/admin/import', type: 'application/x-ndjson', key: 'wrong' },
      401,
    ],
    ['of an import of another type', { method: 'POST', path: '/admin/import', type: 'application/json' }, 415],
  ])('%s is ended after its one response', async (_which, request, status) => {
    const received = await drip(request);
    expect(statusesOf(received), received).toEqual([status]);
  });
});

describe('lines of an import', () => {
  const lines = { method: 'POST', path: '/admin/import', type: 'application/x-ndjson' };

  test.concurrent('a line that does not arrive in time ends the import with a last line', async () => {
    const received = await drip({ ...lines, start: '{"connection_name":"a","access_token":"b"}\n' });
    expect(statusesOf(received)).toEqual([200]);
    expect(received).toMatch(/\{"error":\{.*"code":"request_timeout".*\}\}\n/);
    expect(received).not.toContain('"done"');
  });

  test.concurrent('lines that go on arriving have no limit in all', async () => {
    const startedAt = Date.now();
    const ended = drip({ ...lines, byte: '\n' });
    expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3500, 'open'))])).toBe('open');
    expect(Date.now() - startedAt).toBeGreaterThan(3000);
    fixture.app.server.closeAllConnections();
  });
});
