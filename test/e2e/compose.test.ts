import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { type Api, createApi } from '../support/broker-api.ts';
import { freePort } from '../support/broker-process.ts';
import { type ComposeService, readCompose, readImage, startOrder } from '../support/container-stack.ts';
import { type OAuthServer, startOAuthServer } from '../support/oauth-server.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTestRedis, describeWithRedis, type TestRedis } from '../support/redis.ts';
import { projectRoot } from '../support/source-tree.ts';

const patience = { timeout: 60_000, interval: 100 };
const image = readImage();

test('the image runs what npm start runs, flags and all', () => {
  expect(image.entrypoint.join(' ')).toBe(about.scripts.start);
});

describe('docker-compose.yml', () => {
  const compose = readCompose();
  const own = Object.entries(compose.services).filter(([, { build }]) => build !== undefined);

  test('publishes the API alone, on loopback', () => {
    const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, port]),
    );
    expect(published).toEqual([['api', '127.0.0.1:8080:8080']]);
  });

  test('gives every process of the service a file system it cannot write to, no capability and no root', () => {
    expect(own.map(([name]) => name)).toEqual(['keys', 'migrate', 'api', 'worker']);
    for (const [name, service] of own) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(service.user ?? image.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect(service.privileged, name).toBeUndefined();
    }
  });

  test('waits only for what can tell: a health check, or a process that ends', () => {
    for (const [name, { depends_on = {} }] of Object.entries(compose.services)) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const target = compose.services[needed];
        expect(target, `${name} waits for ${needed}`).toBeDefined();
        if (condition === 'service_healthy') expect(target?.healthcheck?.test, needed).toBeDefined();
        else expect([condition, target?.restart], needed).toEqual(['service_completed_successfully', undefined]);
      }
    }
    const order = startOrder(compose);
    for (const [first, second] of [
      ['postgres', 'migrate'],
      ['keys', 'migrate'],
      ['migrate', 'api'],
      ['migrate', 'worker'],
      ['redis', 'api'],
      ['redis', 'worker'],
    ] as const) {
      expect(order.indexOf(first), `${first} before ${second}`).toBeLessThan(order.indexOf(second));
    }
  });

  test('names the servers, user and database that the stack itself makes', () => {
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = compose.services.postgres?.environment ?? {};
    for (const [name, { environment }] of own.filter(([name]) => name !== 'keys')) {
      expect(environment?.DATABASE_URL, name).toBe(
        `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@postgres:5432/${POSTGRES_DB}`,
      );
      expect(environment?.REDIS_URL, name).toBe('redis://redis:6379');
    }
  });

  test('mounts only volumes it declares, and the keys for reading wherever they are not made', () => {
    for (const [name, { volumes = [] }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const [source = '', target, mode] = volume.split(':');
        expect(Object.keys(compose.volumes), `${name} ${volume}`).toContain(source);
        if (target === '/keys') expect(mode, name).toBe(name === 'keys' ? undefined : 'ro');
      }
    }
  });

  test('the image takes from the project what runs, and what it takes is let through', () => {
    expect(image.copied.toSorted()).toEqual(['migrations', 'openapi.yaml', 'package.json', 'src']);
    const ignored = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n');
    for (const path of image.copied) expect(ignored).toContain(`!${path}`);
  });
});

describeWithRedis('the stack of docker-compose.yml, as plain processes', () => {
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

  test('keys are made once, for their owner alone, and a second start leaves them', async () => {
    expect(await finish('keys'), output.get('keys')).toBe(0);
    const files = ['encryption-keys', 'admin-key'].map((name) => join(home, 'keys', name));
    const made = files.map((file) => readFileSync(file, 'utf8'));
    for (const file of files) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect(await finish('keys'), output.get('keys')).toBe(0);
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(made);
    for (const secret of made) expect(output.get('keys')).not.toContain(secret.trim());
  });

  test('one migration run ends well, and so does another', async () => {
    expect(await finish('migrate'), output.get('migrate')).toBe(0);
    expect(await finish('migrate'), output.get('migrate')).toBe(0);
  });

  test('the API serves, and the worker refreshes what is due', async () => {
    const order = startOrder(compose);
    expect(order.indexOf('migrate')).toBeLessThan(order.indexOf('api'));
    launch('api', { PORT: String(port) });
    await healthy('api', { PORT: String(port) });
    const api = createApi(`http://127.0.0.1:${port}`, readFileSync(join(home, 'keys', 'admin-key'), 'utf8').trim());
    await vi.waitFor(
      async () =>
        expect(await api.get('/health')).toMatchObject({ status: 200, body: { database: 'ok', queue: 'ok' } }),
      patience,
    );

    const credential = await connectMachine(api);
    const first = (await api.get(credential)).body.access_token;
    expect(first).toBeTypeOf('string');
    // A grant just obtained is left alone, so that a restart makes no storm; this one has been there for a while.
    await sql("update grants set obtained_at = now() - interval '1 hour'");
    launch('worker', { PORT: String(await freePort()) });
    await vi.waitFor(async () => expect((await api.get(credential)).body.access_token).not.toBe(first), patience);
    expect(running.get('worker')?.exitCode, output.get('worker')).toBeNull();
  });

  test('both end well when they are told to', async () => {
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

  /** A connection without a person in it: its first token comes at once. */
  async function connectMachine(api: Api): Promise<string> {
    const client = await provider.registerClient();
    const answer = await api.post('/connections', {
      connection_name: 'machine',
      oauth_flow_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token_url: provider.endpoints.token,
    });
    expect(answer, answer.text).toMatchObject({ status: 201, body: { status: 'completed' } });
    return '/credentials/machine';
  }

  function launch(name: string, extra: Record<string, string> = {}): ChildProcess {
    const service = serviceOf(name);
    const [program = '', ...rest] = [...image.entrypoint, ...(service.command ?? image.command)];
    const child = run(program, rest.map(mapped), environmentOf(service, extra));
    output.set(name, '');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.set(name, `${output.get(name)}${text}`));
    }
    running.set(name, child);
    return child;
  }

  async function finish(name: string): Promise<number | null> {
    const child = launch(name);
    const [code] = (await once(child, 'close')) as [number | null];
    running.delete(name);
    return code;
  }

  /** By the image's own check. */
  async function healthy(name: string, extra: Record<string, string>): Promise<void> {
    const [program = '', ...rest] = image.healthcheck;
    await vi.waitFor(async () => {
      const child = run(program, rest, environmentOf(serviceOf(name), extra));
      expect((await once(child, 'close'))[0], output.get(name)).toBe(0);
    }, patience);
  }

  function serviceOf(name: string): ComposeService {
    const service = compose.services[name];
    if (service?.build === undefined) throw new Error(`${name} is no service of ours`);
    return service;
  }

  /** The container's environment and nothing else, with its host names, folders and address as they are here. */
  function environmentOf({ environment = {} }: ComposeService, extra: Record<string, string>): Record<string, string> {
    const own = Object.entries({ ...image.environment, ...environment }).map(([name, value]) => [
      name,
      mapped(String(value)),
    ]);
    return { ...Object.fromEntries(own), HOST: '127.0.0.1', ...extra };
  }

  function mapped(value: string): string {
    if (value === compose.services.api?.environment?.DATABASE_URL) return database.url;
    if (value === compose.services.api?.environment?.REDIS_URL) return redis.url;
    return value.replace(/^\/(keys|data)\b/, join(home, '$1'));
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
