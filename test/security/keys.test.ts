import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { spawnBroker, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { addConnection, connect, expectStatus, openScene, type Scene, uniqueName } from './scene.ts';

/** Time for the start of one more process on a busy machine. */
const limits = { timeout: 90_000 };

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

describe('a stolen key or token that was revoked', limits, () => {
  const stack = new AsyncDisposableStack();
  /** Carries the notifications of the first process to the second. */
  let stream: TcpProxy;
  let url: string;
  beforeAll(async () => {
    stream = await createTcpProxy(scene.env.DATABASE_URL ?? '');
    stack.defer(() => stream.close());
    const dataDir = createDataDir();
    stack.defer(() => dataDir.remove());
    const env = { ...scene.env, DATABASE_LISTEN_URL: stream.url };
    const second = await startBroker({ dataDir: dataDir.path, env });
    stack.defer(async () => void (await second.stop()));
    url = second.url;
  });
  afterAll(() => stack.disposeAsync());

  const organization = { organization: 'b' };
  /** A key, a grant and a connection that the second process has in its memory, and how both processes answer them. */
  async function serveEverywhere() {
    const asAdmin = createApi(url, scene.adminKey);
    const hearsChanges = async () => /^token_broker_listener_up 1$/m.test((await asAdmin.get('/metrics')).text);
    await expect.poll(hearsChanges, { timeout: 30_000 }).toBe(true);
    const [revoked, deleted] = [await addConnection(scene, organization), await addConnection(scene, organization)];
    for (const each of [revoked, deleted]) await connect(scene, each);
    const { id, key, api } = await scene.newKey();
    const statuses = async (own: Api, admin: Api) => [
      (await own.get(revoked.credential)).status,
      (await admin.get(revoked.credential, organization)).status,
      (await admin.get(deleted.credential, organization)).status,
    ];
    const here = () => statuses(api, scene.api);
    const elsewhere = () => statuses(createApi(url, key), asAdmin);
    for (const each of [here, elsewhere, elsewhere]) expect(await each()).toEqual([200, 200, 200]);
    return { id, revoked, deleted, here, elsewhere };
  }

  async function revokeAll({ id, revoked, deleted }: Awaited<ReturnType<typeof serveEverywhere>>, by = scene.api) {
    expectStatus(await by.delete(`/admin/api-keys/${id}`), 204);
    expectStatus(await by.post(`${revoked.path}/revoke`, {}, organization), 200);
    expectStatus(await by.delete(deleted.path, organization), 200);
  }
  const nothing = [401, 503, 404];

  test('works in no process: at once in the one that revoked it, within seconds in every other', async () => {
    const served = await serveEverywhere();
    await revokeAll(served);
    expect(await served.here()).toEqual(nothing);
    // The longest time that the service allows itself is 5 s, the limit of this poll.
    await expect.poll(served.elsewhere).toEqual(nothing);
  });

  test('works not once more in the process that revoked it, also if that process hears no notification', async () => {
    const served = await serveEverywhere();
    try {
      stream.hang();
      await revokeAll(served, createApi(url, scene.adminKey));
      expect(await served.elsewhere()).toEqual(nothing);
    } finally {
      await stream.restore();
    }
  });

  test.each<[string, () => unknown]>([
    ['black-holed', () => stream.hang()],
    ['delayed', () => stream.delay(60_000)],
    ['cut', () => stream.cut()],
  ])('works in no process for long, also if the stream of notifications is %s', async (_, disturb) => {
    const served = await serveEverywhere();
    try {
      await disturb();
      await revokeAll(served);
      expect(await served.here()).toEqual(nothing);
      // The exact bound is a matter of test/integration/postgres/notify/staleness.test.ts. A busy machine is slower.
      await expect.poll(served.elsewhere, { timeout: 30_000 }).toEqual(nothing);
    } finally {
      stream.delay(0);
      await stream.restore();
    }
  });
});

describe('a key that outlives its maker', () => {
  test('a key cannot give itself a successor: the expiry of a new key is at most its own', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const maker = await scene.newKey({ expires_at });
    const rights = { name: 'k', permissions: ['admin:read'], organizations: ['b'] };
    for (const later of [{}, { expires_at: null }, { expires_at: '2999-01-01T00:00:00Z' }]) {
      const made = expectStatus(await maker.api.post('/admin/api-keys', { ...rights, ...later }), 201);
      expect(made.body.expires_at).toBe(expires_at);
    }
  });

  test('cascade ends every key that the revoked key made, over generations', async () => {
    const maker = await scene.newKey();
    const rights = { name: 'k', permissions: ['connections:read', 'admin:write'], organizations: ['b'] };
    const apis = [maker.api];
    for (const _ of [1, 2, 3]) {
      const made = expectStatus(await (apis.at(-1) ?? maker.api).post('/admin/api-keys', rights), 201);
      apis.push(createApi(scene.url, String(made.body.key)));
    }
    expectStatus(await scene.api.delete(`/admin/api-keys/${maker.id}?cascade=true`), 204);
    for (const api of apis) expect((await api.get('/connections')).status).toBe(401);
  });
});

describe('a client key that is weak or that blocks the process', () => {
  const jwkOf = (bits: number) => {
    const number = (length: number) => {
      const bytes = randomBytes(length / 8);
      bytes[0] = (bytes[0] ?? 0) | 0x80;
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
      return bytes.toString('base64url');
    };
    const half = bits / 2;
    const primes = { p: number(half), q: number(half), dp: number(half), dq: number(half), qi: number(half) };
    return JSON.stringify({ kty: 'RSA', alg: 'RS256', n: number(bits), e: 'AQAB', d: number(bits), ...primes });
  };
  const pemOf = (modulusLength: number) =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  test.each([
    ['a JSON Web Key of 24,576 bits', () => jwkOf(24_576)],
    ['a JSON Web Key of 4,104 bits', () => jwkOf(4104)],
    ['a PEM key of 1,024 bits', () => pemOf(1024)],
  ])('%s is refused before it is stored', async (_, keyOf) => {
    const connection_name = uniqueName();
    const response = await scene.api.post('/connections', {
      connection_name,
      client_id: 'client',
      token_auth_method: 'private_key_jwt',
      client_secret: keyOf(),
      authorization_url: `${scene.provider.origin}/authorize`,
      token_url: `${scene.provider.origin}/token`,
    });
    expect(response, response.text).toMatchObject({ status: 400, body: { errors: [{ path: 'client_secret' }] } });
    expect(response.text).toMatch(/2048/);
    expect((await scene.api.get(`/connections/${connection_name}`)).status).toBe(404);
  });
});

describe('a start with the wrong encryption key', () => {
  const otherKey = () => randomBytes(32).toString('base64');

  test.each<[string, () => Record<string, string>, RegExp]>([
    ['a key with another id', () => ({ ENCRYPTION_KEYS: `k9:${otherKey()}` }), /k1/],
    ['another key under the same id', () => ({ ENCRYPTION_KEYS: `k1:${otherKey()}` }), /k1/],
    ['no key', () => ({}), /k1|ENCRYPTION_KEYS/],
  ])(
    'with %s the process ends, names the key that it needs, and makes no key of its own',
    limits,
    async (_, keys, named) => {
      const { ENCRYPTION_KEYS: _right, ...env } = scene.env;
      const keysOf = 'select id, wrapped from data_keys order by id';
      const stored = await scene.rows(keysOf);
      const dataDir = createDataDir();
      const broker = spawnBroker({ dataDir: dataDir.path, env: { ...env, ...keys() }, port: await freePort() });
      const [code] = await broker.ended;
      expect(code).toBe(1);
      expect(broker.logs()).toMatch(named);
      expect(await scene.rows(keysOf)).toEqual(stored);
      await dataDir.remove();
    },
  );
});
