import type { FastifyInstance } from 'fastify';
import type { QueueFailure } from '../../domain/queue-failure.ts';
import * as routes from '../contract/health.ts';
import { mount } from '../mount.ts';

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

/** Probes of the health routes. Each limits its own duration; a rejection counts as a failed check. */
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

export function healthRoutes(
  app: FastifyInstance,
  probes: HealthProbes,
  { version, clock }: { version: string; clock: () => Date },
): void {
  const background = shared<BackgroundWork | null>(probes.background, null);
  const unsavedTokens = shared<number | null>(probes.unsavedTokens, null);
  const queue = shared<QueueFailure | null>(probes.queue, 'unreachable');
  const readiness = shared<Readiness>(probes.readiness, {
    database: false,
    migrated: false,
    keyProven: false,
    reason: null,
  });

  mount(app, routes.getHealth, async (_call, reply) => {
    const [work, unsaved, queueFailure] = await Promise.all([background(), unsavedTokens(), queue()]);
    if (work === null) reply.code(503);
    const hasWorkers = work !== null && work.workers > 0 && !work.isSweepOverdue;
    const isWorking = queueFailure === null && (hasWorkers || probes.refreshMode === 'off');
    return {
      status: work === null ? 'unavailable' : isWorking && unsaved === 0 ? 'ok' : 'degraded',
      service: 'token-broker',
      version,
      timestamp: clock().toISOString(),
      database: work === null ? 'unavailable' : 'ok',
      queue: queueFailure === null ? 'ok' : 'unavailable',
      queue_failure: queueFailure,
      workers: work?.workers ?? null,
      last_sweep_at: work?.lastSweepAt?.toISOString() ?? null,
      unsaved_tokens: unsaved,
      refresh_mode: probes.refreshMode,
    };
  });

  mount(app, routes.getLiveness, async () => ({ status: 'ok' }));

  mount(app, routes.getReadiness, async (_call, reply) => {
    const { database: reachable, migrated, keyProven, reason } = await readiness();
    const ready = reachable && migrated && keyProven;
    if (!ready) reply.code(503);
    return {
      status: ready ? 'ready' : 'not_ready',
      database: reachable,
      migrated,
      key_proven: keyProven,
      reason: ready ? null : reason,
    };
  });
}

/** Shares one running probe among concurrent requests: these routes are public and have no rate limit. */
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
