import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { residentBytes } from '../support/faults/import-client.ts';
import { addConnection, connect, openAuthorization, openScene, type Scene } from './scene.ts';

/** 100 MiB: growth of resident memory that collection and compiled code explain. */
const toleratedBytes = 100 * 2 ** 20;

describe('limits for slow and unknown clients', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await scene?.close();
  });

  const sockets: Socket[] = [];

  /** Sends `beginning`, then one byte every 500 ms. Resolves to the response when the service closes the connection. */
  function sendSlowly(beginning: string, byte: string): Promise<string> {
    return new Promise((resolve) => {
      let received = '';
      const socket = createConnection(scene.broker.port, '127.0.0.1', () => socket.write(beginning));
      sockets.push(socket);
      const timer = setInterval(() => socket.write(byte), 500);
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        received += chunk;
      });
      socket
        .on('error', () => {})
        .on('close', () => {
          clearInterval(timer);
          resolve(received);
        });
    });
  }

  /**
   * Sends a request `count` times, then again every 500 ms, and reads nothing. Resolves when the service closes the
   * connection, which shows when sending fails.
   */
  function sendWithoutReading(request: string, count: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = createConnection(scene.broker.port, '127.0.0.1', () => socket.write(request.repeat(count)));
      sockets.push(socket);
      const timer = setInterval(() => socket.write(request), 500);
      socket
        .pause()
        .on('error', () => {})
        .on('close', () => {
          clearInterval(timer);
          resolve();
        });
    });
  }

  // Both tests wait for limits of 30 seconds, so they run at the same time.
  test.concurrent('clients that never read what they ask for cost bounded memory and are disconnected', {
    timeout: 90_000,
  }, async () => {
    const openapi = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
    const bytesOfOne = (await (await fetch(`${scene.url}/openapi.json`)).arrayBuffer()).byteLength;
    const before = residentBytes(scene.broker);
    let areOpen = true;
    // The responses of all together exceed the tolerated memory eight times.
    const clients = Array.from({ length: 8 }, () =>
      sendWithoutReading(openapi, Math.ceil(toleratedBytes / bytesOfOne)),
    );
    const closed = Promise.all(clients).then(() => {
      areOpen = false;
    });
    let peak = before;
    while (areOpen) {
      expect((await scene.api.get('/providers')).status).toBe(200);
      peak = Math.max(peak, residentBytes(scene.broker));
      await sleep(500);
    }
    await closed;
    expect(peak - before).toBeLessThan(toleratedBytes);
  });

  test.concurrent('slow clients are disconnected at headers and body, and other requests are served meanwhile', {
    timeout: 90_000,
  }, async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const { pathname } = new URL(connection.redirectUri);
    const headers = 'Host: x\r\n';
    const slowClients = [
      ...Array.from({ length: 300 }, () => sendSlowly(`GET /livez HTTP/1.1\r\n${headers}X: `, 'x')),
      sendSlowly('', ''),
      sendSlowly(
        `POST ${pathname} HTTP/1.1\r\n${headers}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\n`,
        'a',
      ),
      sendSlowly(
        `POST /connections HTTP/1.1\r\n${headers}Authorization: Bearer ${scene.adminKey}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n`,
        ' ',
      ),
    ];
    expect((await scene.api.get(connection.credential)).status).toBe(200);
    expect((await (await openAuthorization(scene, connection)).sendCallback()).status).toBe(200);
    for (const received of await Promise.all(slowClients)) expect(received).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
  });

  test('unknown links and unknown callbacks send no request to a provider', async () => {
    const before = scene.provider.received.length;
    await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        fetch(`${scene.url}/${at % 2 === 0 ? `authorize/${'x'.repeat(43)}` : 'callback/x?state=y&code=z'}`),
      ),
    );
    expect(scene.provider.received).toHaveLength(before);
  });
});
