import type { FastifyInstance } from 'fastify';
import { createReadHealth, type HealthProbes } from '../../broker/administration/read-health.ts';
import * as routes from '../contract/health.ts';
import { mount } from '../mount.ts';

export function healthRoutes(
  app: FastifyInstance,
  probes: HealthProbes,
  { version, clock }: { version: string; clock: () => Date },
): void {
  const read = createReadHealth(probes);

  mount(app, routes.getHealth, async (_call, reply) => {
    const health = await read.health();
    if (health.status === 'unavailable') reply.code(503);
    return {
      status: health.status,
      service: 'token-broker',
      version,
      timestamp: clock().toISOString(),
      database: health.database,
      queue: health.queue,
      queue_failure: health.queueFailure,
      workers: health.workers,
      last_sweep_at: health.lastSweepAt?.toISOString() ?? null,
      unsaved_tokens: health.unsavedTokens,
      refresh_mode: health.refreshMode,
    };
  });

  mount(app, routes.getLiveness, async () => ({ status: 'ok' }));

  mount(app, routes.getReadiness, async (_call, reply) => {
    const { database: reachable, migrated, keyProven, reason } = await read.readiness();
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
