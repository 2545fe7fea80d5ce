import type { FleetStatsView } from '../../../src/broker/administration/read-fleet-stats.ts';
import type { HttpUseCases } from '../../../src/http/server.ts';
import { connectionView, grantView, now } from './server-fixture.ts';

type FleetUseCases = Pick<
  HttpUseCases,
  | 'checkOneHealth'
  | 'requestHealthRun'
  | 'readHealthStats'
  | 'readFleetStats'
  | 'listFleetGrants'
  | 'getFleetGrant'
  | 'listFleetConnections'
  | 'getFleetConnection'
>;

const notChecked = { health: null, error: null, lastCheckAt: null };
/** A function: this module is loaded before `now`. */
const healthRun = () => ({
  id: '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a33',
  requestedAt: now,
  startedAt: null,
  finishedAt: null,
  isRunning: false,
  total: null,
  healthy: 0,
  unhealthy: 0,
  skipped: 0,
});
const oneGrant = { not_connected: 0, completed: 1, failed: 0 };

/** Reads across organisations that always find the same. */
export function stubFleet(): FleetUseCases {
  const found = () => ({ grant: grantView(), connection: connectionView().connection });
  return {
    checkOneHealth: async () => ({
      ...notChecked,
      kind: 'grant',
      connection: connectionView().connection,
      organizationId: 'acme',
      nextAction: 'none',
      grants: [{ ...notChecked, grant: grantView(), result: 'skipped', reason: 'No.', nextAction: 'none' }],
      isComplete: true,
    }),
    requestHealthRun: async () => healthRun(),
    readHealthStats: async () => ({
      healthy: 1,
      unhealthy: 0,
      unchecked: 0,
      lastRun: healthRun(),
      seesRunNumbers: true,
    }),
    readFleetStats: async () => fleetStats(),
    listFleetGrants: async () => ({ grants: [found()], nextCursor: null }),
    getFleetGrant: async () => ({ ...found(), consents: [] }),
    listFleetConnections: async () => ({ connections: [connectionView()], nextCursor: null }),
    getFleetConnection: async () => ({
      connection: connectionView(),
      grants: { byStatus: oneGrant, isComplete: true },
    }),
  };
}

function fleetStats(): FleetStatsView {
  return {
    at: now,
    total: 1,
    byStatus: oneGrant,
    byNextAction: { authorize: 0, reconfigure: 0, wait: 0, none: 1 },
    byProvider: [{ provider: 'generic', total: 1, byStatus: oneGrant }],
    byReason: [],
    dueSoon: { count: 1, isComplete: true },
    failing: { count: 0, isComplete: true },
    refreshTokensExpiring: { count: 0, isComplete: true },
    lastSweep: null,
    seesSweepCounts: true,
  };
}
