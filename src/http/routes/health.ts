import type { FastifyInstance } from 'fastify';
import * as routes from '../contract/health.ts';
import { mount } from '../mount.ts';

export interface Readiness {
  database: boolean;
  migrated: boolean;
  keyProven: boolean;
}

/** Each bounds its own time; a rejection counts as no. */
export interface HealthProbes {
  database: () => Promise<boolean>;
  queue: () => Promise<boolean>;
  readiness: () => Promise<Readiness>;
}

export function healthRoutes(
  app: FastifyInstance,
  probes: HealthProbes,
  { version, clock }: { version: string; clock: () => Date },
): void {
  const database = shared(probes.database, false);
  const queue = shared(probes.queue, false);
  const readiness = shared(probes.readiness, { database: false, migrated: false, keyProven: false });

  mount(app, routes.getHealth, async (_call, reply) => {
    const [databaseUp, queueUp] = await Promise.all([database(), queue()]);
    if (!databaseUp) reply.code(503);
    return {
      status: databaseUp ? (queueUp ? 'ok' : 'degraded') : 'unavailable',
      service: 'token-broker',
      version,
      timestamp: clock().toISOString(),
      database: databaseUp ? 'ok' : 'unavailable',
      queue: queueUp ? 'ok' : 'unavailable',
    };
  });

  mount(app, routes.getLiveness, async () => ({ status: 'ok' }));

  mount(app, routes.getReadiness, async (_call, reply) => {
    const { database: reachable, migrated, keyProven } = await readiness();
    const ready = reachable && migrated && keyProven;
    if (!ready) reply.code(503);
    return { status: ready ? 'ready' : 'not_ready', database: reachable, migrated, key_proven: keyProven };
  });
}

/** One probe at a time, whatever comes in: these routes are open to everybody and not limited. */
function shared<T>(probe: () => Promise<T>, otherwise: T): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= probe()
      .catch(() => otherwise)
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}
