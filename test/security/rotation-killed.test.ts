import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createApi } from '../support/http/broker-api.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { createKeyProcess } from '../support/keys/key-process.ts';
import { type KeyStores, openKeyStores } from '../support/keys/key-stores.ts';
import { storeGrants, storeSecretConnection } from '../support/keys/sealed-rows.ts';
import { startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';

const patience = { timeout: 60_000 };
const k1 = encryptionKey('k1');
const grantCount = 3_000;

let stores: KeyStores;
beforeAll(async () => {
  stores = await openKeyStores();
});
afterAll(() => stores?.end());

test('a worker killed in the middle of a rotation loses no token: another one ends it, and fetches go on', {
  timeout: 240_000,
}, async () => {
  const maker = createKeyProcess(stores, 'maker', [k1]);
  await maker.watch.open();
  const connection = await storeSecretConnection(stores, maker.cipher, 'acme');
  const grants = await storeGrants(stores, maker.cipher, connection, grantCount);
  await maker.watch.stop();
  const before = (await stores.dataKeys.list())[0]?.id ?? '';

  const adminKey = randomBytes(32).toString('base64url');
  const env = {
    DATABASE_URL: stores.url,
    ENCRYPTION_KEYS: `k1:${k1.key.reveal()}`,
    ADMIN_API_KEY: adminKey,
    RATE_LIMIT_MAX: '100000',
    CREDENTIAL_CACHE_MAX: '0',
    ...withoutLaterSweeps,
  };
  const dirs = [createDataDir(), createDataDir()] as const;
  const server = await startBroker({ dataDir: dirs[0].path, env: { ...env, ROLE: 'api' } });
  const worker = await startBroker({ dataDir: dirs[1].path, env });
  const locker = new pg.Client({ connectionString: stores.url });
  await locker.connect();
  const api = createApi(server.url, adminKey);

  let isLoaded = true;
  const wrong: string[] = [];
  let fetches = 0;
  const load = (async () => {
    for (let next = 0; isLoaded; next = (next + 7) % grantCount) {
      await sleep(10);
      const id = grants[next] ?? '';
      const response = await api.get(`/credentials/${connection.name}?subject=${id}`, { organization: 'acme' });
      fetches += 1;
      // A process may need a moment to load a new data key, and says so.
      const isLoading = response.status === 503 && response.text.includes('loading a new data key');
      if (!isLoading && response.body.access_token !== `access-${id}`)
        wrong.push(`${response.status} ${response.text}`);
    }
  })();

  expect((await api.post('/admin/encryption/rotate', {})).status).toBeLessThan(300);
  const resealed = async () => (await stores.keyRotations.latest())?.resealed ?? 0;
  await expect.poll(resealed, { ...patience, interval: 20 }).toBeGreaterThan(0);
  // Holds the worker at the end of its batch, so that the kill comes in the middle.
  await locker.query('begin');
  await locker.query('select from key_rotations for update');
  expect(await stores.keyRotations.latest()).toMatchObject({ state: 'resealing', finishedAt: null });
  await worker.kill();
  await locker.query('rollback');
  await locker.end();
  expect((await stores.valuesUnder(before))['grants.sealed_tokens']).toBeGreaterThan(0);

  const during = fetches;
  await expect.poll(() => fetches, patience).toBeGreaterThan(during);
  // As if the lease of the killed process had lapsed.
  await stores.run(`update key_rotations set lease_until = now() - interval '1 second'`);
  const second = await startBroker({ dataDir: dirs[1].path, env });
  await expect.poll(async () => (await stores.keyRotations.latest())?.state, patience).toBe('finished');
  isLoaded = false;
  await load;
  expect(wrong).toEqual([]);
  expect(await stores.keyRotations.latest()).toMatchObject({ unreadable: 0 });
  expect(await stores.valuesUnder(before)).toEqual({});

  await Promise.all([server.stop(), second.stop()]);
  await Promise.all(dirs.map((dir) => dir.remove()));
});
