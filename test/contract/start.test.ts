import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { type BrokerProcess, freePort, spawnBroker } from '../support/broker-process.ts';
import { createDataDir, type DataDir } from '../support/data-dir.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let parts: { broker: BrokerProcess; database: TestDatabase; proxy: TcpProxy; dataDir: DataDir; holder: Client };
afterEach(async () => {
  const { broker, database, proxy, dataDir, holder } = parts;
  if (broker.isRunning()) await broker.kill();
  await holder.end();
  await proxy.close();
  await database.drop();
  await dataDir.remove();
});

/** A service that gets as far as a lock which somebody else holds, by way of a network that can be cut. */
async function startUntil(lock: string): Promise<typeof parts> {
  const database = await createTestDatabase();
  const proxy = await createTcpProxy(database.url);
  const dataDir = createDataDir();
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query(`select pg_advisory_lock(${lock})`);
  const env = {
    DATABASE_URL: proxy.url,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: randomBytes(32).toString('hex'),
  };
  const broker = spawnBroker({ env, dataDir: dataDir.path, port: await freePort() });
  parts = { broker, database, proxy, dataDir, holder };
  const waiting = `select from pg_locks where not granted and locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`;
  await expect.poll(async () => (await holder.query(waiting)).rowCount, { timeout: 20_000 }).toBeGreaterThan(0);
  return parts;
}

test.each([
  ['its tables are made', '7203117461220319'],
  ['its queue is made', "1112886348, hashtext('token_broker_jobs')"],
])(
  'a database that goes away while %s does not end the service, which is ready once it is back',
  async (_what, lock) => {
    const { broker, proxy, holder } = await startUntil(lock);
    await proxy.cut();
    await expect.poll(async () => (await fetch(`${broker.url}/health`)).status, { timeout: 20_000 }).toBe(503);
    expect((await fetch(`${broker.url}/livez`)).status).toBe(200);
    await holder.query('select pg_advisory_unlock_all()');
    await proxy.restore();
    await broker.ready();
    const health = async () => ((await (await fetch(`${broker.url}/health`)).json()) as { status: string }).status;
    await expect.poll(health, { timeout: 20_000 }).toBe('ok');
    expect(broker.isRunning()).toBe(true);
  },
);
