import type { TestProject } from 'vitest/node';
import { startTestPostgres } from './postgres-server.ts';
import { startTestRedis } from './redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    redisUrl: string | null;
    /** Why there is no Redis; null where there is one. */
    redisAbsence: string | null;
  }
}

/** One real PostgreSQL and one real Redis for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([startTestPostgres(), startTestRedis()]);
  // A run that is ended from outside gets no teardown; its servers must not outlive it.
  const abandon = () => {
    postgres.kill();
    redis.kill();
  };
  const leave = () => process.exit(1);
  process.once('exit', abandon);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, leave);
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis.url);
  project.provide('redisAbsence', redis.absence);
  return async () => {
    process.removeListener('exit', abandon);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, leave);
    await redis.stop();
    await postgres.stop();
  };
}
