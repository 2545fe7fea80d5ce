import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, spawnBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';

let parts: { broker: BrokerProcess; database: TestDatabase; proxy: TcpProxy; dataDir: DataDir; holder: Client };
afterEach(async () => {
  const { broker, database, proxy, dataDir, holder } = parts;
  if (broker.isRunning()) await broker.kill();
  await holder.end();
  await proxy.close();
  await database.drop();
  await dataDir.remove();
});

/**
 * Starts a service that waits for an advisory lock, which the test holds. The service reaches its database through a
 * proxy that the test can cut.
 */
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
  ['the tables are created', '7203117461220319'],
  ['the queue is created', "1112886348, hashtext('token_broker_jobs')"],
])(
  'a service that loses its database while %s keeps running and becomes ready when it is back',
  async (_name, lock) => {
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
