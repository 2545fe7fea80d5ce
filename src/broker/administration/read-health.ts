import type { QueueFailure } from '../../domain/queue-failure.ts';

export interface Readiness {
  database: boolean;
  migrated: boolean;
  keyProven: boolean;
  /** Names the part of the configuration to check. Null if the process is ready or the cause is unknown. */
  reason: string | null;
}

export interface BackgroundWork {
  /** Number of live workers. */
  workers: number;
  /** Time at which the last sweep ended. Null if none has ended. */
  lastSweepAt: Date | null;
  isSweepOverdue: boolean;
}

/** Probes of this process. Each limits its own duration; a rejection counts as a failed check. */
export interface HealthProbes {
  /** Reads the database: a reply also shows that credentials can be served. */
  background: () => Promise<BackgroundWork>;
  /** Number of token sets that the database has not stored yet. */
  unsavedTokens: () => Promise<number>;
  /** Reason why the queue does not work. Null while it works. */
  queue: () => Promise<QueueFailure | null>;
  readiness: () => Promise<Readiness>;
  /** off: no background work is expected. */
  refreshMode: 'on' | 'off';
}

export interface ServiceHealth {
  status: 'ok' | 'degraded' | 'unavailable';
  database: 'ok' | 'unavailable';
  queue: 'ok' | 'unavailable';
  queueFailure: QueueFailure | null;
  /** Null while the database does not answer. */
  workers: number | null;
  lastSweepAt: Date | null;
  /** Null if the spool cannot be read. */
  unsavedTokens: number | null;
  refreshMode: 'on' | 'off';
}

/** Judges the state of this process. Reads nothing of an organisation. */
export interface ReadHealth {
  health(): Promise<ServiceHealth>;
  readiness(): Promise<Readiness>;
}

export function createReadHealth(probes: HealthProbes): ReadHealth {
  const { refreshMode } = probes;
  const background = shared<BackgroundWork | null>(probes.background, null);
  const unsavedTokens = shared<number | null>(probes.unsavedTokens, null);
  const queue = shared<QueueFailure | null>(probes.queue, 'unreachable');
  const readiness = shared<Readiness>(probes.readiness, {
    database: false,
    migrated: false,
    keyProven: false,
    reason: null,
  });

  return {
    readiness,

    async health() {
      const [work, unsaved, queueFailure] = await Promise.all([background(), unsavedTokens(), queue()]);
      const hasWorkers = work !== null && work.workers > 0 && !work.isSweepOverdue;
      const isWorking = queueFailure === null && (hasWorkers || refreshMode === 'off');
      return {
        status: work === null ? 'unavailable' : isWorking && unsaved === 0 ? 'ok' : 'degraded',
        database: work === null ? 'unavailable' : 'ok',
        queue: queueFailure === null ? 'ok' : 'unavailable',
        queueFailure,
        workers: work?.workers ?? null,
        lastSweepAt: work?.lastSweepAt ?? null,
        unsavedTokens: unsaved,
        refreshMode,
      };
    },
  };
}

/** Shares one running probe among concurrent reads: the health routes are public and have no rate limit. */
function shared<T>(probe: () => Promise<T>, fallback: T): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= probe()
      .catch(() => fallback)
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}
