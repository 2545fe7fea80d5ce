import type { TestProject } from 'vitest/node';
import { locateNginx } from './http/nginx-program.ts';
import { locatePrometheus } from './monitoring/prometheus-program.ts';
import { locatePgBouncer } from './postgres/pgbouncer-program.ts';
import { startTestPostgres } from './postgres/server.ts';
import { startTestRedis } from './redis/server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    redisUrl: string | null;
    /** Reason why there is no Redis. Null if there is one. */
    redisAbsence: string | null;
    /** Path of the program. Tests start poolers of their own. */
    pgBouncer: string | null;
    pgBouncerAbsence: string | null;
    nginx: string | null;
    nginxAbsence: string | null;
    promtool: string | null;
    prometheusAbsence: string | null;
  }
}

/** Starts one real PostgreSQL and one real Redis for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis, pgBouncer] = await Promise.all([startTestPostgres(), startTestRedis(), locatePgBouncer()]);
  const nginx = await locateNginx();
  const prometheus = await locatePrometheus();
  // A run that a signal ends has no teardown: the exit handler ends its servers.
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
  project.provide('pgBouncer', pgBouncer.program);
  project.provide('pgBouncerAbsence', pgBouncer.absence);
  project.provide('nginx', nginx.program);
  project.provide('nginxAbsence', nginx.absence);
  project.provide('promtool', prometheus.promtool);
  project.provide('prometheusAbsence', prometheus.absence);
  return async () => {
    process.removeListener('exit', abandon);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, leave);
    await redis.stop();
    await postgres.stop();
  };
}
