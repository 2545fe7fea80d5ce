import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type OAuthServer, startOAuthServer } from '../support/oauth-server/server.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres/database.ts';
import { type ComposeService, readCompose, readImage, startOrder } from '../support/processes/container-stack.ts';
import { freePort } from '../support/processes/free-port.ts';
import { createTestRedis, describeWithRedis, type TestRedis } from '../support/redis/database.ts';

/** Limit of one wait. A test with several waits needs a longer timeout of its own. */
const patience = { timeout: 60_000, interval: 100 };
const image = readImage();
const keyFiles = ['encryption-keys', 'admin-key', 'database-password', 'database-url', 'redis-password', 'redis-url'];

describeWithRedis('the commands of docker-compose.yml, run as plain processes', () => {
  let home: string;
  let database: TestDatabase;
  let redis: TestRedis;
  let provider: OAuthServer;
  let compose: ReturnType<typeof readCompose>;
  let port: number;
  const running = new Map<string, ChildProcess>();
  const output = new Map<string, string>();

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'token-broker-compose-'));
    for (const volume of ['keys', 'data']) mkdirSync(join(home, volume), { mode: 0o700 });
    database = await createTestDatabase();
    redis = await createTestRedis();
    provider = await startOAuthServer();
    port = await freePort();
    compose = readCompose({ PUBLIC_URL: `http://localhost:${port}`, ALLOW_PRIVATE_NETWORK: 'true' });
  });
  afterAll(async () => {
    for (const child of running.values()) child.kill('SIGKILL');
    await provider?.stop();
    await redis?.drop();
    await database?.drop();
    rmSync(home, { recursive: true, force: true });
  });

  test('keys are created once, readable by their owner only, and a second start keeps them', async () => {
    expect(await runToEnd('keys'), output.get('keys')).toBe(0);
    const files = keyFiles.map((name) => join(home, 'keys', name));
    const created = files.map((file) => readFileSync(file, 'utf8'));
    for (const file of files) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect(await runToEnd('keys'), output.get('keys')).toBe(0);
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(created);
    for (const secret of created) expect(output.get('keys')).not.toContain(secret.trim());
  });

  test('a start names each file of a server that is missing or empty', async () => {
    rmSync(join(home, 'keys', 'database-url'));
    writeFileSync(join(home, 'keys', 'redis-url'), '');
    expect(await runToEnd('migrate')).toBe(1);
    expect(output.get('migrate')).toContain('DATABASE_URL_FILE: names a file that cannot be read (ENOENT)');
    expect(output.get('migrate')).toContain('REDIS_URL_FILE: names an empty file');
    // The servers of the test have addresses and passwords of their own.
    writeFileSync(join(home, 'keys', 'database-url'), database.url);
    writeFileSync(join(home, 'keys', 'redis-url'), redis.url);
  });

  test('the migration succeeds, and a second run succeeds too', async () => {
    expect(await runToEnd('migrate'), output.get('migrate')).toBe(0);
    expect(await runToEnd('migrate'), output.get('migrate')).toBe(0);
  });

  test('the API serves a credential, and the worker refreshes it when it is due', { timeout: 180_000 }, async () => {
    const order = startOrder(compose);
    expect(order.indexOf('migrate')).toBeLessThan(order.indexOf('api'));
    launch('api', { PORT: String(port) });
    await waitUntilHealthy('api', { PORT: String(port) });
    const api = createApi(`http://127.0.0.1:${port}`, readFileSync(join(home, 'keys', 'admin-key'), 'utf8').trim());
    await vi.waitFor(
      async () =>
        expect(await api.get('/health')).toMatchObject({ status: 200, body: { database: 'ok', queue: 'ok' } }),
      patience,
    );

    const credential = await connectMachine(api);
    const first = (await api.get(credential)).body.access_token;
    expect(first).toBeTypeOf('string');
    // A sweep skips recently obtained grants, so that a restart causes no burst. This one becomes an hour old.
    await sql("update grants set obtained_at = now() - interval '1 hour'");
    launch('worker', { PORT: String(await freePort()) });
    await vi.waitFor(async () => expect((await api.get(credential)).body.access_token).not.toBe(first), patience);
    expect(running.get('worker')?.exitCode, output.get('worker')).toBeNull();
  });

  test('worker and API exit with code 0 after SIGTERM and write nothing outside the volumes', async () => {
    for (const name of ['worker', 'api']) {
      const child = running.get(name);
      if (child === undefined) throw new Error(`${name} was not started`);
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      expect((await ended)[0], output.get(name)).toBe(0);
      running.delete(name);
    }
    expect(existsSync(join(projectRoot, 'data', 'admin-key')), 'nothing is written outside the volumes').toBe(false);
  });

  /** Creates a client_credentials connection: it needs no browser and fetches its token at creation. */
  async function connectMachine(api: Api): Promise<string> {
    const client = await provider.registerClient();
    const response = await api.post('/connections', {
      connection_name: 'machine',
      oauth_flow_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token_url: provider.endpoints.token,
    });
    expect(response, response.text).toMatchObject({ status: 201, body: { status: 'completed' } });
    return '/credentials/machine';
  }

  function launch(name: string, extra: Record<string, string> = {}): ChildProcess {
    const service = serviceOf(name);
    const [program = '', ...rest] = [...image.entrypoint, ...(service.command ?? image.command)];
    const child = run(program, rest.map(mapToHost), environmentOf(service, extra));
    output.set(name, '');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.set(name, `${output.get(name)}${text}`));
    }
    running.set(name, child);
    return child;
  }

  async function runToEnd(name: string): Promise<number | null> {
    const child = launch(name);
    const [code] = (await once(child, 'close')) as [number | null];
    running.delete(name);
    return code;
  }

  /** Waits until the health check of the image succeeds. */
  async function waitUntilHealthy(name: string, extra: Record<string, string>): Promise<void> {
    const [program = '', ...rest] = image.healthcheck;
    await vi.waitFor(async () => {
      const child = run(program, rest, environmentOf(serviceOf(name), extra));
      expect((await once(child, 'close'))[0], output.get(name)).toBe(0);
    }, patience);
  }

  function serviceOf(name: string): ComposeService {
    const service = compose.services[name];
    if (service?.build === undefined) throw new Error(`${name} is not a service built from this project`);
    return service;
  }

  /** Environment of the container, with host names, folders and address mapped to those of the test. */
  function environmentOf({ environment = {} }: ComposeService, extra: Record<string, string>): Record<string, string> {
    const entries = Object.entries({ ...image.environment, ...environment }).map(([name, value]) => [
      name,
      mapToHost(String(value)),
    ]);
    return { ...Object.fromEntries(entries), HOST: '127.0.0.1', ...extra };
  }

  function mapToHost(value: string): string {
    return value.replace(/^(--dir=)?\/(keys|data)\b/, (_, option = '', volume: string) => option + join(home, volume));
  }

  async function sql(statement: string): Promise<void> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(statement);
    await client.end();
  }
});

function run(program: string, rest: string[], env: Record<string, string>): ChildProcess {
  return spawn(program === 'node' ? process.execPath : program, rest, {
    cwd: projectRoot,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
