import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHeldProvider } from '../support/faults/held-provider.ts';
import { createApi } from '../support/http/broker-api.ts';
import { createTestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { describeWithNamespaces, inNamespaces } from '../support/processes/namespaces.ts';

const adminKey = randomBytes(32).toString('base64url');
const stack = new AsyncDisposableStack();
let provider: Awaited<ReturnType<typeof startHeldProvider>>;
let database: Client;
let dataDir: string;
let start: () => Promise<BrokerProcess>;

describeWithNamespaces('two brokers in PID namespaces of their own, on one data directory and one database', () => {
  beforeAll(async () => {
    provider = await startHeldProvider();
    stack.defer(() => provider.close());
    const { url, drop } = await createTestDatabase();
    stack.defer(drop);
    database = new Client({ connectionString: url });
    await database.connect();
    stack.defer(() => database.end());
    const folder = createDataDir();
    stack.defer(folder.remove);
    dataDir = folder.path;
    const env = {
      DATABASE_URL: url,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
      ALLOW_PRIVATE_NETWORK: 'true',
      // The provider holds its response until the second broker has started.
      PROVIDER_TIMEOUT_MS: '300000',
      PROVIDER_CALL_CAP_MS: '300000',
    };
    start = async () => {
      const broker = await startBroker({ dataDir, env, prefix: inNamespaces() });
      // Unshare ignores SIGTERM; its end takes the broker with it.
      stack.defer(() => broker.kill());
      return broker;
    };
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  test('the second voids no live lease of the first, and a refresh token is in flight once', async () => {
    const first = await start();
    const api = createApi(first.url, adminKey);
    provider.hold(['rt-held']);
    const connection = await api.post('/connections', {
      connection_name: 'held',
      client_id: 'client',
      client_secret: 'secret',
      authorization_url: `${provider.origin}/authorize`,
      token_url: `${provider.origin}/token`,
      allow_import: true,
    });
    expect(connection.status).toBe(201);
    const expired = new Date(Date.now() - 60_000).toISOString();
    const tokens = { access_token: 'at-held', refresh_token: 'rt-held', expires_at: expired };
    expect((await api.post('/connections/held/grants', tokens)).status).toBe(201);
    const readsOfFirst = api.get('/credentials/held');
    await expect.poll(provider.open, { timeout: 20_000 }).toBe(1);
    const before = await leases();
    expect(before).toHaveLength(1);

    const second = await start();
    expect(readdirSync(join(dataDir, 'instances'))).toHaveLength(2);
    expect(await leases()).toEqual(before);
    const readsOfSecond = createApi(second.url, adminKey).get('/credentials/held');
    // Time for a request that must not come.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(provider.arrivals).toEqual(['rt-held']);
    provider.release();
    for (const read of [readsOfFirst, readsOfSecond]) {
      expect(await read).toMatchObject({ status: 200, body: { access_token: 'at-1' } });
    }
    expect(provider.arrivals).toEqual(['rt-held']);
  }, 180_000);
});

async function leases(): Promise<unknown[]> {
  return (await database.query('select lease_owner from grants where lease_owner is not null')).rows;
}
