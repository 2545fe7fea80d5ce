import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type OAuthServer, startOAuthServer } from '../support/oauth-server/server.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { readCompose } from '../support/processes/container-stack.ts';
import { findEngine } from './engine.ts';

const url = 'http://localhost:8080';
const name = 'composed';
const project = 'token-broker';
const network = `${project}_default`;
/** Container beside the stack, and the prefix of its volumes. */
const other = 'token-broker-other-user';
const volumes = ['data', 'keys', 'postgres'].map((name) => `${project}_${name}`);
const engine = findEngine({ ALLOW_PRIVATE_NETWORK: 'true' });
const { services } = readCompose();
const lostPassword = /^\/keys\/(database|redis)-password is missing or empty: the service "keys" writes it\.\n$/;
let provider: OAuthServer;
let api: Api;

beforeAll(async () => {
  engine.compose('up', '--build', '--wait', '--detach');
  const gateway = engine.docker('network', 'inspect', network, '--format', '{{(index .IPAM.Config 0).Gateway}}');
  provider = await startOAuthServer({}, { host: gateway });
  api = createApi(url, secret('admin-key'));
});
afterAll(async () => {
  await provider?.stop();
  engine.compose('down', '-v', '--remove-orphans');
  engine.close();
});

test('a person connects through the published port, and the provider accepts the token that is fetched', async () => {
  expect(await health()).toMatchObject({ status: 'ok', workers: 1 });
  const client = await provider.registerClient();
  const created = await api.post('/connections', {
    connection_name: name,
    client_id: client.clientId,
    client_secret: client.clientSecret,
    authorization_url: provider.endpoints.authorization,
    token_url: provider.endpoints.token,
    test_url: provider.endpoints.userinfo,
    scopes: ['openid', 'profile', 'offline_access'],
    authorize_params: { prompt: 'consent' },
  });
  expect([created.status, created.text]).toEqual([201, expect.any(String)]);
  await provider.addRedirectUri(client.clientId, created.body.redirect_uri);
  const started = await api.post(`/connections/${name}/authorize`, {});
  const page = await signIn(createBrowser(), started.body.authorization_url, { login: 'ada' });
  expect([page.status, page.body]).toEqual([200, expect.stringContaining(name)]);
  expect(await provider.accepts((await fetched()).body.access_token)).toBe(true);
});

test('a server is opened by its generated password only, and one without its file of the password does not start', () => {
  const psql = (password: string) =>
    inside('postgres', `PGPASSWORD=${password} psql --host=postgres --username=broker --command='select 1' broker`);
  expect(psql(secret('database-password'))).toContain('(1 row)');
  for (const password of ['broker', 'postgres']) expect(psql(password)).toContain('password authentication failed');
  const ping = (password: string) => inside('redis', `REDISCLI_AUTH=${password} valkey-cli -h redis ping`);
  expect(ping(secret('redis-password'))).toBe('PONG');
  for (const password of ['', 'broker']) expect(ping(password)).toMatch(/NOAUTH|WRONGPASS/);
  for (const name of ['postgres-init', 'redis']) {
    const { image = '', entrypoint: [shell = '', ...options] = [], command: [script = ''] = [] } = services[name] ?? {};
    const started = ['run', '--rm', '--env', 'PGDATA=/data', '--entrypoint', shell, image, ...options];
    const start = () => engine.docker(...started, `exec 2>&1\n${script.replaceAll('$$', '$')}`);
    expect(start).toThrow(expect.objectContaining({ status: 1, stdout: expect.stringMatching(lostPassword) }));
  }
});

test('two workers are alive after the worker is scaled', async () => {
  engine.compose('up', '--detach', '--wait', '--scale', 'worker=2', '--no-recreate');
  await expect.poll(health).toMatchObject({ status: 'ok', workers: 2 });
});

test('fetches go on while the queue is cut off, and the health recovers', async () => {
  const reconnect = cutOff('redis');
  try {
    await expect.poll(health).toMatchObject({ status: 'degraded', queue: 'unavailable' });
    expect((await fetched()).status).toBe(200);
  } finally {
    reconnect();
  }
  await expect.poll(health).toMatchObject({ status: 'ok', queue: 'ok' });
});

test('the health is 503 while the database is cut off, and nothing is lost', async () => {
  const before = await fetched();
  const reconnect = cutOff('postgres');
  try {
    await expect.poll(async () => (await api.get('/health')).status).toBe(503);
  } finally {
    reconnect();
  }
  await expect.poll(health).toMatchObject({ status: 'ok', database: 'ok' });
  await expect.poll(async () => (await fetched()).status).toBe(200);
  expect((await fetched()).body.access_token).toBe(before.body.access_token);
});

test('a restart of every service keeps keys, connections and tokens', async () => {
  const before = await fetched();
  engine.compose('restart', 'postgres', 'redis', 'api', 'worker');
  await expect.poll(() => fetched().catch(() => null)).toMatchObject({ status: 200 });
  expect((await fetched()).body.access_token).toBe(before.body.access_token);
});

test('passwords and keys are in no log, description or list of processes of a container', () => {
  const containers = (...more: string[]) =>
    engine.docker('ps', '--quiet', '--filter', `label=com.docker.compose.project=${project}`, ...more).split('\n');
  const logs = engine.compose('logs', '--no-color');
  for (const name of Object.keys(services)) expect(logs).toContain(`${name}-1 `);
  const processes = containers().map((id) => engine.docker('top', id));
  // Two workers among them.
  expect(processes).toHaveLength(5);
  const shown = [logs, engine.docker('inspect', ...containers('--all')), ...processes].join('\n');
  for (const name of ['database-password', 'redis-password', 'admin-key', 'encryption-keys']) {
    expect(shown.includes(secret(name)), name).toBe(false);
  }
});

test('the image serves under any user id in group 0, with volumes of its own', async () => {
  const hardened = ['--user', '12345:0', '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'];
  const mounted = ['--volume', `${other}-keys:/keys`, '--volume', `${other}-data:/data`];
  const settings = {
    DATABASE_URL: secret('database-url').replace(/broker$/, 'other'),
    REDIS_URL: `${secret('redis-url')}1`,
    PUBLIC_URL: url,
    ENCRYPTION_KEYS_FILE: '/keys/encryption-keys',
    ADMIN_API_KEY_FILE: '/keys/admin-key',
  };
  const environment = Object.entries(settings).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]);
  const run = (...command: string[]) => engine.docker('exec', other, ...command);
  try {
    engine.docker('run', '--rm', ...hardened, ...mounted, 'token-broker', 'keys', 'init', '--dir', '/keys');
    // The database of the stack is sealed with other keys.
    const createdb = 'createdb --host=127.0.0.1 --username=broker other';
    expect(inside('postgres', `PGPASSWORD=${secret('database-password')} ${createdb}`)).toBe('');
    const options = ['--detach', '--name', other, '--network', network, ...hardened, ...mounted, ...environment];
    engine.docker('run', ...options, 'token-broker');
    const state = () => engine.docker('inspect', other, '--format', '{{.State.Health.Status}}');
    await expect.poll(state).toBe('healthy');
    const readiness = "fetch('http://127.0.0.1:8080/readyz').then((response) => process.exit(response.ok ? 0 : 1))";
    await expect.poll(() => run('node', '--eval', readiness)).toBe('');
    expect(run('id', '-u')).toBe('12345');
    const folders = run('stat', '--format', '%u:%g %a', '/data', '/keys');
    expect(folders.split('\n')).toEqual(['1000:0 770', '1000:0 770']);
    expect(run('find', '/data', '-mindepth', '1')).not.toBe('');
    expect(run('find', '/data', '/keys', '-mindepth', '1', '-not', '-uid', '12345')).toBe('');
  } finally {
    removeOther();
  }
});

test('down -v leaves no container, network or volume', async () => {
  engine.compose('down', '-v');
  const left = (kind: string, format: string) => engine.docker(kind, 'ls', '--format', format).split('\n');
  expect(engine.docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`)).toBe('');
  expect(left('network', '{{.Name}}')).not.toContain(network);
  for (const volume of volumes) expect(left('volume', '{{.Name}}')).not.toContain(volume);
});

const health = async () => (await api.get('/health')).body;
const fetched = () => api.get(`/credentials/${name}`);
const secret = (file: string) => engine.compose('exec', '-T', 'api', 'cat', `/keys/${file}`);

/** Runs a shell command in the container of a service. Returns all it prints, whether it succeeds or not. */
function inside(service: string, command: string): string {
  return engine.compose('exec', '-T', service, 'sh', '-c', `{ ${command}; } 2>&1 || true`);
}

function removeOther(): void {
  engine.docker('rm', '--force', '--volumes', other);
  engine.docker('volume', 'rm', '--force', `${other}-keys`, `${other}-data`);
}

/** Disconnects a service from the network of the stack. Returns the way back, under the same name. */
function cutOff(service: string): () => void {
  const container = engine.compose('ps', '--quiet', service);
  engine.docker('network', 'disconnect', network, container);
  return () => engine.docker('network', 'connect', '--alias', service, network, container);
}
