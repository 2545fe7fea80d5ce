import type { HealthProbes } from '../broker/administration/read-health.ts';
import type { Config } from '../config.ts';
import type { DeferredCipher } from '../crypto/deferred-cipher.ts';
import { isBrokerError } from '../domain/errors.ts';
import { countUnsavedTokens } from '../embedded/unsaved-tokens.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { BackgroundState } from '../postgres/maintenance/worker-store.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { ConnectionsFile } from './connections-file/apply-at-start.ts';
import { namingVariable } from './diagnosis/database-access.ts';

export interface ProbedParts {
  config: Pick<Config, 'dataDir' | 'refresh' | 'callsTokenEndpoints'>;
  postgres: Postgres;
  jobs: Jobs;
  cipher: DeferredCipher;
  connectionsFile: Pick<ConnectionsFile, 'isApplied'> | undefined;
  /** Reason why the start waits. Null once it is over. */
  waitingFor: () => string | null;
}

/** Intervals without the end of a sweep after which sweeps count as overdue. One interval is the regular pause. */
const overdueAfterIntervals = 2;

export function createProbes({
  config,
  postgres,
  jobs,
  cipher,
  connectionsFile,
  waitingFor,
}: ProbedParts): HealthProbes {
  const overdueAfterMs = config.refresh.intervalMs * overdueAfterIntervals;
  return {
    background: async () => {
      const state = await postgres.workers.state();
      return { ...state, isSweepOverdue: isOverdue(state, postgres.clock.now(), overdueAfterMs) };
    },
    unsavedTokens: () => countUnsavedTokens(config.dataDir),
    refreshMode: config.callsTokenEndpoints ? 'on' : 'off',
    queue: async () => jobs.failure(),
    readiness: async () => {
      const failure = await namingVariable('DATABASE_URL', () => postgres.ping()).then(() => null, reasonOf);
      const fault = postgres.watch.fault();
      // Read once: keys that are proven during the query below must not hide that the file is not applied yet.
      const keyProven = cipher.isReady();
      // Before the keys are proven, the start may wait for a migration or for the keys. Operators need to know which.
      const hasContents = keyProven
        ? (connectionsFile?.isApplied() ?? true)
        : failure === null && (await isMigrated(postgres));
      return {
        database: failure === null,
        migrated: fault === null && hasContents,
        keyProven,
        reason: fault ?? waitingFor() ?? failure,
      };
    },
  };
}

async function isMigrated(postgres: Pick<Postgres, 'pendingMigrations'>): Promise<boolean> {
  return postgres.pendingMigrations().then(
    (pending) => pending.length === 0,
    () => false,
  );
}

/** Messages of broker errors are public. */
function reasonOf(error: unknown): string {
  return isBrokerError(error) ? error.message : 'The database cannot be used.';
}

/** Before the first sweep ends, counts from the start of the workers, so that a new installation is not degraded. */
function isOverdue({ lastSweepAt, workingSince }: BackgroundState, now: Date, afterMs: number): boolean {
  const since = lastSweepAt ?? workingSince;
  return since !== null && now.getTime() - since.getTime() > afterMs;
}
