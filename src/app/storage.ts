import type { Config } from '../config.ts';
import type { Secret } from '../domain/secret.ts';
import type { JobsOptions } from '../jobs/create-jobs.ts';
import { postgresConnectionsMax, postgresQueueConnections, queueSchema } from '../jobs/queue/queue-server.ts';
import { isBehindTransactionPooler } from '../postgres/driver/detect-pooler.ts';
import { createPostgres, leastConnections, type Postgres } from '../postgres/postgres.ts';
import { readServerFacts } from '../postgres/server-facts.ts';
import { type DatabaseVariable, namingVariable } from './diagnosis/database-access.ts';
import type { Foundation } from './foundation.ts';

/** Places the queue in Redis, or in the database. There it needs a direct connection: LISTEN fails behind a pooler. */
export function queueLocation(
  { redisUrl, databaseListenUrl }: Config,
  { databaseUrl }: Foundation,
): JobsOptions['location'] {
  if (redisUrl !== null) return { redisUrl };
  const url = databaseListenUrl ?? databaseUrl;
  const isPrepared = async () => (await readServerFacts(url.reveal(), queueSchema)).isQueueOwnedElsewhere;
  return { databaseUrl: url, isPrepared };
}

/**
 * Names the owner of the queue. A restored copy of the database has the id of its original; with REFRESH_MODE=off it must
 * not take the jobs of the original on the same Redis.
 */
export function queueOwner(
  installationId: string,
  { callsTokenEndpoints }: Pick<Config, 'callsTokenEndpoints'>,
): string {
  return callsTokenEndpoints ? installationId : `${installationId}-copy`;
}

/** Opens the stores. If the queue is in the database, its connections count towards DATABASE_POOL_MAX. */
export function openPostgres(config: Config, { databaseUrl }: Foundation, onError: (error: unknown) => void): Postgres {
  return createPostgres({
    connectionString: databaseUrl.reveal(),
    pooler: config.databasePooler,
    listenConnectionString: listenUrl(config, databaseUrl),
    poolMax: config.databasePoolMax - queueConnections(config),
    credentialCacheMax: config.credentialCacheMax,
    onError,
  });
}

/** Null if every connection goes through a transaction pooler, which delivers no notifications. */
function listenUrl({ databaseListenUrl, databasePooler }: Config, databaseUrl: Secret): string | null {
  if (databaseListenUrl !== null) return databaseListenUrl.reveal();
  return databasePooler === 'transaction' ? null : databaseUrl.reveal();
}

/** Throws if a connection that needs a session of its own goes through a transaction pooler. */
export async function checkPoolers({ databaseUrl, databaseListenUrl, databasePooler }: Config): Promise<void> {
  if (databaseUrl === null) return;
  if (databasePooler === 'session' && (await isPooled('DATABASE_URL', databaseUrl))) {
    throw new Error(
      'DATABASE_URL goes through a transaction pooler. Set DATABASE_LISTEN_URL to a direct connection, or DATABASE_POOLER=transaction and REDIS_URL.',
    );
  }
  if (databaseListenUrl !== null && (await isPooled('DATABASE_LISTEN_URL', databaseListenUrl))) {
    throw new Error('DATABASE_LISTEN_URL goes through a transaction pooler. It must be a direct connection.');
  }
}

function isPooled(variable: DatabaseVariable, url: Secret): Promise<boolean> {
  return namingVariable(variable, () => isBehindTransactionPooler(url.reveal()));
}

function queueConnections({ redisUrl, role }: Pick<Config, 'redisUrl' | 'role'>): number {
  if (redisUrl !== null) return 0;
  return role === 'api' ? postgresQueueConnections : postgresConnectionsMax;
}

/** Returns the least DATABASE_POOL_MAX that the connections of the process do not exceed. The configuration checks it. */
export function leastPoolMax(config: Pick<Config, 'redisUrl' | 'role'>): number {
  return leastConnections + queueConnections(config);
}
