import type { Logger } from 'pino';
import type { Broker } from '../broker/assembly/create-broker.ts';
import type { Config } from '../config.ts';
import { BrokerError } from '../domain/errors.ts';
import { claimAbandoned, type Instance } from '../embedded/instance.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { WorkerHeartbeat } from '../jobs/worker-heartbeat.ts';
import type { CachedApiKeys } from '../postgres/cache/api-key-cache.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { OpenedCounts } from './callers/open-shared-counts.ts';
import type { ConnectionsFile } from './connections-file/apply-at-start.ts';
import { namingVariable, requireServer } from './diagnosis/database-access.ts';
import type { Foundation } from './foundation.ts';
import type { KeyWatch } from './keys/key-watch.ts';
import { migrateDatabase } from './migration/migrate-database.ts';
import { migrateShowing } from './migration/migrate-showing.ts';
import { spoolOf } from './open-broker.ts';
import { logAuditMaintenance } from './open-fetch-audit.ts';
import { reportUnexpected } from './report-unexpected.ts';
import type { StartupStep } from './startup.ts';
import { checkPoolers, queueOwner } from './storage.ts';

export interface Background {
  config: Config;
  log: Logger;
  foundation: Foundation;
  /** The first belongs to this process; the others were left by processes that ended without releasing them. */
  instances: readonly [Instance, ...Instance[]];
  postgres: Postgres;
  apiKeys: CachedApiKeys;
  sharedCounts: OpenedCounts | undefined;
  jobs: Jobs;
  keyWatch: KeyWatch;
  broker: Broker;
  connectionsFile: ConnectionsFile | undefined;
  heartbeat: WorkerHeartbeat;
  onError: (error: unknown) => void;
}

/** Counted from its expiry. A client can read the outcome of an authorization that long; then the row is deleted. */
const authorizationRetentionMs = 24 * 60 * 60_000;

/** Lists the steps from a process that listens to one that serves, in order. */
export function stepsToReady(parts: Background): StartupStep[] {
  const { config, postgres, instances, sharedCounts, keyWatch, connectionsFile, jobs, heartbeat } = parts;
  const { callsTokenEndpoints } = config;
  // The queue of a copy may be that of its original, whose jobs it must not take.
  const works = config.role !== 'api' && callsTokenEndpoints;
  return [
    ...(connectionsFile === undefined ? [] : [connectionsFile.read]),
    () => prepareDatabase(parts),
    () => postgres.checkSettings(),
    () => postgres.clock.synchronize(),
    async () => sharedCounts?.start(queueOwner(await postgres.installationId(), config)),
    // A copy leaves spooled token sets where they are: the original may need them.
    ...(callsTokenEndpoints ? instances.map((instance) => () => recover(parts, instance)) : []),
    // Requests that need a token are refused until this step: a spooled token set is newer than the stored one.
    () => keyWatch.open(),
    async () => postgres.listener.start(),
    async () => keyWatch.start(),
    async () => postgres.watch.start(() => acceptContents(parts)),
    ...(connectionsFile === undefined ? [] : [connectionsFile.apply]),
    () => jobs.start(works),
    ...(!works ? [] : [() => heartbeat.start(), () => catchUp(parts), async () => maintainAudit(parts)]),
  ];
}

/** Runs the work of every minute. A round may fail: the next one repeats it. */
export function doChores(parts: Background): void {
  const { config, apiKeys, broker, postgres, onError } = parts;
  const report = reportUnexpected(onError);
  postgres.clock.synchronize().catch(report);
  apiKeys.flush().catch(report);
  broker.removeEndedSessions().catch(report);
  postgres.authorizations.purge(new Date(postgres.clock.now().getTime() - authorizationRetentionMs)).catch(report);
  if (!config.callsTokenEndpoints) return;
  claimAbandoned(config.dataDir)
    .then((found) => Promise.all(found.map((instance) => recover(parts, instance))))
    .catch(report);
  if (config.role !== 'api') catchUp(parts).catch(report);
}

/**
 * Recovers the work of an ended process: stores its spooled token sets, then voids its leases. In the other order, a
 * process could take a voided lease and spend a refresh token that a spooled token set has replaced.
 */
async function recover({ broker, postgres, instances, log }: Background, instance: Instance): Promise<void> {
  try {
    const { written, outdated, unsaved } = await broker.replaySpool(spoolOf(instance, log));
    const leases = await postgres.refreshes.voidLeases(`${instance.id}/`, unsaved);
    if (leases + written + outdated + unsaved.length > 0) {
      const counts = { written, outdated, unsaved: unsaved.length, leases };
      log.info(counts, 'unfinished work of an ended process recovered');
    }
    // The folder stays claimed while this process moves what is in it to the database.
    if (unsaved.length > 0) return;
  } catch (error) {
    // Startup repeats this step for its own instances. Any other is released, so that a later round can claim it.
    if (!instances.includes(instance)) instance.release();
    throw error;
  }
  if (instance === instances[0]) return;
  // Its spool needs no data key any more.
  await postgres.keyHolders.remove(instance.id);
  instance.release();
}

async function prepareDatabase(parts: Background): Promise<void> {
  const { config, log, postgres, foundation } = parts;
  await namingVariable('DATABASE_URL', () => postgres.ping());
  const migratesAsOwner = config.role === 'all' && config.databaseMigrateUrl !== null;
  // First: the role of the service needs what the owner grants.
  if (migratesAsOwner) logMigrations(await migrateDatabase(config, foundation.databaseUrl, log), log);
  await requireServers(parts);
  await checkPoolers(config);
  if (config.role === 'all' && !migratesAsOwner) {
    return logMigrations(await migrateShowing((config.databaseListenUrl ?? foundation.databaseUrl).reveal(), log), log);
  }
  // First: under a search_path that leads elsewhere, every migration seems to be pending.
  await postgres.checkSettings();
  if ((await postgres.pendingMigrations()).length > 0) throw waitsForMigration();
}

function logMigrations(applied: readonly string[], log: Logger): void {
  if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
}

function waitsForMigration(): BrokerError {
  return BrokerError.with('service_unavailable', 'The database waits to be migrated: run the command migrate.', {
    retry_after: 5,
  });
}

/** Tables and the queue are created through the direct connection. */
async function requireServers({ config, postgres }: Background): Promise<void> {
  const { databaseUrl, databaseListenUrl, redisUrl, role } = config;
  if (databaseUrl === null) return;
  const needs = async () => ({
    createsTables: role === 'all' && (await postgres.pendingMigrations()).length > 0,
    hasQueue: redisUrl === null,
  });
  if (databaseListenUrl === null) return requireServer('DATABASE_URL', databaseUrl.reveal(), needs);
  await requireServer('DATABASE_URL', databaseUrl.reveal(), async () => ({ createsTables: false, hasQueue: false }));
  await requireServer('DATABASE_LISTEN_URL', databaseListenUrl.reveal(), needs);
}

/**
 * Opens what a restore has put in the place of the tables. Creates nothing, neither tables nor keys: the restore may
 * still be under way.
 */
async function acceptContents({ postgres, keyWatch }: Background): Promise<void> {
  if ((await postgres.pendingMigrations()).length > 0) throw waitsForMigration();
  if ((await postgres.dataKeys.list()).length === 0) {
    throw BrokerError.with('service_unavailable', 'The table data_keys is empty.', { retry_after: 5 });
  }
  await keyWatch.open();
}

/** Queues what a process that ended has left: an overdue sweep, and a check of all grants that no process continues. */
async function catchUp({ broker, jobs }: Background): Promise<void> {
  if (await broker.isSweepOverdue()) await jobs.enqueueSweep();
  await broker.resumeHealthRun();
}

/** Does not hold up the start: the trail has partitions for a year, and the daily job repeats it. */
function maintainAudit({ broker, log, onError }: Background): void {
  broker
    .maintainAudit()
    .then((done) => logAuditMaintenance(done, log))
    .catch(onError);
}
