import type { Config } from '../config.ts';
import type { JobsOptions } from '../jobs/create-jobs.ts';
import { postgresConnectionsMax } from '../jobs/queue-server.ts';
import { createPostgres, type Postgres } from '../postgres/postgres.ts';
import type { Foundation } from './foundation.ts';

/** Without Redis the queue lives in the database, which it must reach directly: it listens there. */
export function queueLocation(
  { redisUrl, databaseListenUrl }: Config,
  { databaseUrl }: Foundation,
): JobsOptions['location'] {
  return redisUrl === null ? { databaseUrl: databaseListenUrl ?? databaseUrl } : { redisUrl };
}

/** The queue's own connections, where it lives in the database, count towards DATABASE_POOL_MAX. */
export function openPostgres(config: Config, { databaseUrl }: Foundation, onError: (error: unknown) => void): Postgres {
  return createPostgres({
    connectionString: databaseUrl.reveal(),
    ...(config.databaseListenUrl && { listenConnectionString: config.databaseListenUrl.reveal() }),
    poolMax: Math.max(1, config.databasePoolMax - (config.redisUrl === null ? postgresConnectionsMax : 0)),
    onError,
  });
}
