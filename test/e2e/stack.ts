import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { describe } from 'vitest';
import { createTestDatabase } from '../support/postgres/database.ts';
import { startPgBouncer, type TestPgBouncer } from '../support/postgres/pgbouncer.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { createTestRedis, describeWithRedis } from '../support/redis/database.ts';

/** Storage of a service: data directory, database, queue. It outlives the processes of the service. */
export interface Stack {
  dataDir: string;
  env: Record<string, string>;
  /** Available only after a service has started on this stack. */
  adminKey(): string;
  /** Changes rows directly, for example to let time pass. Works only while the service runs. */
  sql(statement: string): Promise<void>;
  remove(): Promise<void>;
}

export type OpenStack = () => Promise<Stack>;

/** Runs a suite on the embedded default, whose queue is in Postgres, and on a Postgres server with Redis. */
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
  return openServersWith({ redis: true });
}

/** A stack whose queue is in its Postgres server. */
export async function openServersWithoutRedis(): Promise<Stack> {
  return openServersWith({ redis: false });
}

/** A stack on a Postgres server behind a transaction pooler, with its queue in Redis or in Postgres. */
export interface PooledStack extends Stack {
  pooler: TestPgBouncer;
}

export async function openPooledServers(options: { redis: boolean }): Promise<PooledStack> {
  const stack = await openServersWith(options);
  const direct = stack.env.DATABASE_URL ?? '';
  const pooler = await startPgBouncer(direct);
  return {
    ...stack,
    pooler,
    env: { ...stack.env, DATABASE_URL: pooler.url, DATABASE_LISTEN_URL: direct },
    async remove() {
      await pooler.remove();
      await stack.remove();
    },
  };
}

async function openServersWith(options: { redis: boolean }): Promise<Stack> {
  const dataDir = createDataDir();
  const database = await createTestDatabase();
  const redis = options.redis ? await createTestRedis() : undefined;
  const adminKey = randomBytes(32).toString('base64url');
  return {
    dataDir: dataDir.path,
    env: {
      DATABASE_URL: database.url,
      ...(redis && { REDIS_URL: redis.url }),
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
    },
    adminKey: () => adminKey,
    sql: (statement) => run(database.url, statement),
    async remove() {
      await redis?.drop();
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
