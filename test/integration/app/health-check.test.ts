import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import process, { execPath } from 'node:process';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { projectRoot } from '../../support/architecture/source-tree.ts';
import { createHttpFixture } from '../../support/http/server-fixture.ts';
import { readImage } from '../../support/processes/container-stack.ts';
import { freePort } from '../../support/processes/free-port.ts';

let stack: AsyncDisposableStack;
afterEach(() => stack.disposeAsync());

/** Runs the health check of the image with the environment of a service. */
async function check(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const [, ...command] = readImage().healthcheck;
  const child = spawn(execPath, command, { cwd: projectRoot, env: { PATH: process.env.PATH, ...env } });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: (await output).join('') };
}

async function listen(host: string, basePath: string, serves: 'everything' | 'health'): Promise<number> {
  const { app } = await createHttpFixture({}, { basePath, serves });
  stack = new AsyncDisposableStack();
  stack.defer(() => app.close());
  await app.listen({ host, port: 0 });
  return (app.server.address() as AddressInfo).port;
}

const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
const hasIPv6 = addresses.some(({ family }) => family === 'IPv6');
const outer = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const hosts = [
  '127.0.0.1',
  '0.0.0.0',
  'localhost',
  ...(hasIPv6 ? ['::', '::1'] : []),
  ...(outer === undefined ? [] : [outer]),
];

test.each(
  hosts.flatMap((host) => [
    [host, '', 'everything'] as const,
    [host, '/api/oauth', 'everything'] as const,
    [host, '/api', 'health'] as const,
  ]),
)('the check of the image succeeds with HOST=%s, BASE_PATH=%s and a service of %s', async (host, basePath, serves) => {
  const port = await listen(host, basePath, serves);
  const env = { HOST: host, PORT: String(port), BASE_PATH: basePath };
  expect(await check(env)).toEqual({ code: 0, output: '' });
  const elsewhere = await check({ ...env, BASE_PATH: '/elsewhere' });
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.output).toContain('status 404');
});

test('the check fails without a service, and its message holds no secret', async () => {
  stack = new AsyncDisposableStack();
  const port = await freePort();
  const { code, output } = await check({ PORT: String(port), ADMIN_API_KEY: 'canary-admin-key' });
  expect(code).toBe(1);
  expect(output).toBe(`http://127.0.0.1:${port}/livez: connect ECONNREFUSED 127.0.0.1:${port}\n`);
});

test('the check fails in time if the service does not respond', async () => {
  stack = new AsyncDisposableStack();
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  expect(await check({ PORT: String(port) })).toEqual({
    code: 1,
    output: `http://127.0.0.1:${port}/livez: no response within 15000 ms\n`,
  });
});
