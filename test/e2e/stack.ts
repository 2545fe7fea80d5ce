import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { describe } from 'vitest';
import { createDataDir } from '../support/data-dir.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestRedis, describeWithRedis } from '../support/redis.ts';

/** Where a service keeps everything; it outlives the service's processes. */
export interface Stack {
  dataDir: string;
  env: Record<string, string>;
  /** Known once a service has started on it. */
  adminKey(): string;
  /** Reaches past the service, for what only time would do otherwise. Only while the service runs. */
  sql(statement: string): Promise<void>;
  remove(): Promise<void>;
}

export type OpenStack = () => Promise<Stack>;

/** The same promises on both: the zero-setup default with its queue in Postgres, and servers of one's own with Redis. */
export function describeOnBothStacks(name: string, suite: (openStack: OpenStack) => void): void {
  describe(`${name}, on the embedded default`, () => suite(openEmbedded));
  describeWithRedis(`${name}, on Postgres and Redis`, () => suite(openServers));
}

export async function openEmbedded(): Promise<Stack> {
  const dataDir = createDataDir();
  return {
    dataDir: dataDir.path,
    env: {},
    adminKey: dataDir.adminKey,
    sql: (statement) => run(dataDir.databaseUrl(), statement),
    remove: dataDir.remove,
  };
}

export async function openServers(): Promise<Stack> {
  const dataDir = createDataDir();
  const database = await createTestDatabase();
  const redis = await createTestRedis();
  const adminKey = randomBytes(32).toString('base64url');
  return {
    dataDir: dataDir.path,
    env: {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
    },
    adminKey: () => adminKey,
    sql: (statement) => run(database.url, statement),
    async remove() {
      await redis.drop();
      await database.drop();
      await dataDir.remove();
    },
  };
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
