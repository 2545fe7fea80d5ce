import { Redis } from 'ioredis';
import { Client } from 'pg';
import { Secret } from '../../../src/domain/secret.ts';
import type { QueueLocation } from '../../../src/jobs/queue/queue-server.ts';
import { createTestDatabase } from '../postgres/database.ts';
import { createTestRedis } from '../redis/database.ts';

export interface Backend {
  location: QueueLocation;
  /** The location of the same server by another URL. */
  at(url: string): QueueLocation;
  url: string;
  /** Deletes everything, like a flushed server. */
  empty(): Promise<void>;
  drop(): Promise<void>;
}

export async function postgresBackend(): Promise<Backend> {
  const database = await createTestDatabase();
  return {
    location: { databaseUrl: new Secret(database.url) },
    at: (url) => ({ databaseUrl: new Secret(url) }),
    url: database.url,
    empty: async () => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      await client.query('delete from token_broker_jobs.job');
      await client.query('delete from token_broker_jobs.scheduler');
      await client.query('delete from token_broker_jobs.dedup');
      await client.end();
    },
    drop: database.drop,
  };
}

export async function redisBackend(): Promise<Backend> {
  const redis = await createTestRedis();
  return {
    location: { redisUrl: new Secret(redis.url) },
    at: (url) => ({ redisUrl: new Secret(url) }),
    url: redis.url,
    empty: async () => {
      const client = new Redis(redis.url);
      await client.flushdb();
      client.disconnect();
    },
    drop: redis.drop,
  };
}
