import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { closeStalledSockets } from '../../../src/http/limits/stalled-sockets.ts';

let server: Server;
let client: Socket;
afterEach(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const large = 'x'.repeat(2_000_000);

async function open(respond: (end: (body: string) => void) => void): Promise<{ isClosed: () => boolean }> {
  let closed = false;
  server = createServer((_request, response) => respond((body) => void response.end(body)));
  closeStalledSockets(server, { afterMs: 300, everyMs: 50 });
  server.on('connection', (socket) => {
    socket.on('close', () => {
      closed = true;
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  await new Promise((done) => client.on('connect', done));
  return { isClosed: () => closed };
}

describe('a client that reads nothing', () => {
  test.each<[string, () => void]>([
    ['after one request', () => client.write(request.repeat(10))],
    [
      'and goes on sending',
      () => {
        client.write(request.repeat(20));
        const more = setInterval(() => client.write(request), 50);
        client.on('close', () => clearInterval(more));
      },
    ],
  ])('is disconnected %s', async (_name, send) => {
    const { isClosed } = await open((end) => end(large));
    client.pause();
    send();
    await expect.poll(isClosed, { timeout: 5000 }).toBe(true);
  });
});

test('a client that waits for a slow response, or reads slowly, stays connected', async () => {
  const { isClosed } = await open((end) => void setTimeout(() => end(large), 800));
  let received = 0;
  client.on('data', (chunk) => {
    received += chunk.length;
    client.pause();
    setTimeout(() => client.resume(), 5);
  });
  client.write(request);
  await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThan(2_000_000);
  expect(isClosed()).toBe(false);
});

test('a pause of the whole process counts as one look: a client that reads again afterwards stays connected', async () => {
  const { isClosed } = await open((end) => end(large));
  let received = 0;
  client.on('data', (chunk) => {
    received += chunk.length;
  });
  // More than the buffers of the system hold.
  client.write(request.repeat(10));
  await expect.poll(() => received, { interval: 1 }).toBeGreaterThan(0);
  client.pause();
  // The server has looked at least once since the last byte moved. Then nothing runs for longer than the limit.
  await new Promise((resolve) => setTimeout(resolve, 60));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
  client.resume();
  await expect.poll(() => received).toBeGreaterThan(20_000_000);
  expect(isClosed()).toBe(false);
});
