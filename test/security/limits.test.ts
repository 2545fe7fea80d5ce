import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, begin, connect, openScene, type Scene } from './scene.ts';

describe('threat 37: whoever takes all the time in the world', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await scene?.close();
  });

  const sockets: Socket[] = [];

  /** A client that sends a beginning and then a byte now and then; resolves to what it was told when it is let go. */
  function drip(beginning: string, byte: string): Promise<string> {
    return new Promise((letGo) => {
      let told = '';
      const socket = createConnection(scene.broker.port, '127.0.0.1', () => socket.write(beginning));
      sockets.push(socket);
      const timer = setInterval(() => socket.write(byte), 500);
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        told += chunk;
      });
      socket
        .on('error', () => {})
        .on('close', () => {
          clearInterval(timer);
          letGo(told);
        });
    });
  }

  test('is let go of, at the headers and at the body, and keeps nobody else waiting', { timeout: 60_000 }, async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const { pathname } = new URL(connection.redirectUri);
    const headers = 'Host: x\r\n';
    const drips = [
      ...Array.from({ length: 300 }, () => drip(`GET /livez HTTP/1.1\r\n${headers}X: `, 'x')),
      drip('', ''),
      drip(
        `POST ${pathname} HTTP/1.1\r\n${headers}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\n`,
        'a',
      ),
      drip(
        `POST /connections HTTP/1.1\r\n${headers}Authorization: Bearer ${scene.adminKey}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n`,
        ' ',
      ),
    ];
    expect((await scene.api.get(connection.credential)).status).toBe(200);
    expect((await (await begin(scene, connection)).comeBack()).status).toBe(200);
    for (const told of await Promise.all(drips)) expect(told).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
  });

  test('a key that is wrong, a link that is none and a callback of nobody cost no token request', async () => {
    const before = scene.provider.received.length;
    await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        fetch(`${scene.url}/${at % 2 === 0 ? `authorize/${'x'.repeat(43)}` : 'callback/x?state=y&code=z'}`),
      ),
    );
    expect(scene.provider.received).toHaveLength(before);
  });
});

describe('threat 38: the image', () => {
  const lines = readFileSync(resolve(import.meta.dirname, '../../Dockerfile'), 'utf8').split('\n');
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  test('runs as a number that is not root, and nothing after that changes it', () => {
    const users = last.filter((line) => line.startsWith('USER '));
    expect(users).toEqual([expect.stringMatching(/^USER [1-9]\d{2,}(:[1-9]\d*)?$/)]);
    expect(last.findIndex((line) => line.startsWith('USER '))).toBeLessThan(
      last.findIndex((line) => line.startsWith('ENTRYPOINT ')),
    );
  });

  test('owns its data folder alone: the program is not writable by the one who runs it', () => {
    const owned = lines.filter((line) => line.includes('chown')).join('\n');
    expect(owned).not.toMatch(/\/app|node_modules|\bsrc\b/);
    expect(owned).toContain('/data');
  });

  test('holds no secret and runs no install script of a package', () => {
    expect(lines.filter((line) => /^(ENV|ARG)\b.*(KEY|SECRET|PASSWORD|TOKEN|_URL)/i.test(line))).toEqual([]);
    for (const line of lines.filter((one) => one.includes('npm ci'))) expect(line).toContain('--ignore-scripts');
  });
});
