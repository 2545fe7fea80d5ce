import type { Logger } from 'pino';
import type { Broker } from '../broker/create-broker.ts';
import type { Config } from '../config.ts';
import { createEnvironmentKeys } from '../crypto/environment-keys.ts';
import { createKeyRing } from '../crypto/key-ring.ts';
import type { LateCipher } from '../crypto/late-cipher.ts';
import { newId } from '../crypto/tokens.ts';
import { BrokerError, isBrokerError } from '../domain/errors.ts';
import type { Spool } from '../domain/ports/spool.ts';
import { claimAbandoned, type Instance } from '../embedded/instance.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { CachedApiKeys } from '../postgres/api-key-cache.ts';
import { migrate } from '../postgres/migrate.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { Foundation } from './foundation.ts';
import type { StartupStep } from './startup.ts';

export interface Background {
  config: Config;
  log: Logger;
  foundation: Foundation;
  /** The first is this process's own; the others were left behind by dead ones. */
  instances: readonly [Instance, ...Instance[]];
  postgres: Postgres;
  apiKeys: CachedApiKeys;
  jobs: Jobs;
  cipher: LateCipher;
  broker: Broker;
  spoolOf: (instance: Instance) => Spool;
  onError: (error: unknown) => void;
}

const tripsAreKeptMs = 24 * 60 * 60_000;

/** What stands between a process that listens and one that serves, in order. */
export function stepsToReady(parts: Background): StartupStep[] {
  const { config, postgres, foundation, instances, cipher, jobs } = parts;
  return [
    () => prepareDatabase(parts),
    () => postgres.clock.synchronize(),
    ...instances.map((instance) => () => inherit(parts, instance)),
    // Requests that need a token are refused until here: no stored one may be used while a newer one is not yet back.
    () => openKeys(postgres, foundation, cipher),
    async () => postgres.listener.start(),
    () => jobs.start(config.role !== 'api'),
    ...(config.role === 'api' ? [] : [() => catchUp(parts)]),
  ];
}

/** What comes round every minute. Nothing depends on any one round. */
export function doChores(parts: Background): void {
  const { config, apiKeys, postgres, onError } = parts;
  const report = unlessAway(onError);
  postgres.clock.synchronize().catch(report);
  apiKeys.flush().catch(report);
  postgres.trips.purge(new Date(postgres.clock.now().getTime() - tripsAreKeptMs)).catch(report);
  claimAbandoned(config.dataDir)
    .then((found) => Promise.all(found.map((instance) => inherit(parts, instance))))
    .catch(report);
  if (config.role !== 'api') catchUp(parts).catch(report);
}

/** What a dead process left: its unsaved tokens are stored first, then nobody waits for its leases any more. */
async function inherit({ broker, postgres, instances, spoolOf, log }: Background, instance: Instance): Promise<void> {
  try {
    const replayed = await broker.replaySpool(spoolOf(instance));
    const leases = await postgres.refreshes.voidLeases(`${instance.id}/`);
    if (leases + replayed.written + replayed.outdated > 0) {
      log.info({ ...replayed, leases }, 'took over from an earlier process');
    }
  } catch (error) {
    // Tried again at the start, and by whoever claims it next.
    if (!instances.includes(instance)) instance.release();
    throw error;
  }
  if (instance !== instances[0]) instance.release();
}

async function prepareDatabase({ config, log, postgres, foundation }: Background): Promise<void> {
  await postgres.ping();
  if (config.role === 'all') {
    const done = await migrate((config.databaseListenUrl ?? foundation.databaseUrl).reveal());
    if (done.length > 0) log.info({ migrations: done }, 'the database was migrated');
  } else if ((await postgres.pendingMigrations()).length > 0) {
    throw BrokerError.with('service_unavailable', 'The database waits to be migrated: run the command migrate.', {
      retry_after: 5,
    });
  }
}

async function openKeys(postgres: Postgres, { encryptionKeys }: Foundation, cipher: LateCipher): Promise<void> {
  const keyEncryptionKeys = createEnvironmentKeys(encryptionKeys);
  const ring = await createKeyRing({ keys: postgres.dataKeys, keyEncryptionKeys, newId, clock: postgres.clock.now });
  cipher.become(ring.cipher);
}

/** A sweep that was missed while nothing ran, or that broke off for good, does not wait for the next tick. */
async function catchUp({ broker, jobs }: Background): Promise<void> {
  if (await broker.isSweepOverdue()) await jobs.enqueueSweep();
}

/** For work that comes round again: that the queue or the database is away is said elsewhere. */
function unlessAway(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    if (!isBrokerError(error, 'service_unavailable')) onError(error);
  };
}
