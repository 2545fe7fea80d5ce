import type { FleetCounts, FleetReader } from '../../../src/domain/ports/fleet.ts';
import type { AuditPartitions } from '../../../src/domain/ports/maintenance/audit.ts';
import type { ExpiryStore } from '../../../src/domain/ports/maintenance/expiry.ts';
import type { HealthStore } from '../../../src/domain/ports/maintenance/health.ts';
import type { HealthCounts, HealthRun, HealthRunStore } from '../../../src/domain/ports/maintenance/health-runs.ts';
import type { SweepStore } from '../../../src/domain/ports/maintenance/sweeps.ts';
import type { InstallationReadings } from '../../../src/domain/ports/monitoring/readings.ts';

const queuedRun: HealthRun = {
  id: '',
  requestedAt: new Date(0),
  startedAt: null,
  finishedAt: null,
  isRunning: false,
  total: null,
  healthy: 0,
  unhealthy: 0,
  skipped: 0,
};

/** Maintenance stores in which nothing is ever due, and a fleet without grants. */
export function createIdleMaintenance(): {
  sweeps: SweepStore;
  health: HealthStore;
  healthRuns: HealthRunStore;
  healthCounts: HealthCounts;
  expiries: ExpiryStore;
  auditPartitions: AuditPartitions;
  fleet: FleetReader & FleetCounts;
} {
  const nothing = async () => {};
  const noGrants = { count: 0, isComplete: true };
  return {
    sweeps: {
      collect: async () => ({ found: 0, next: null }),
      lanes: async () => [],
      due: async () => ({ grantIds: [], next: null }),
      begin: async () => 'done',
      progress: nothing,
      finish: nothing,
      giveUp: nothing,
      count: nothing,
      last: async () => null,
      list: async () => [],
    },
    health: {
      lanes: async () => [],
      unchecked: async () => undefined,
      record: async () => [],
      grantsOf: async () => [],
      read: async () => new Map(),
    },
    healthRuns: {
      request: async (id) => ({ run: { ...queuedRun, id }, isNew: true }),
      last: async () => null,
      isWaiting: async () => false,
      claim: async () => ({ kind: 'none' }),
      keep: async () => false,
      listLanes: async () => false,
      nextLane: async () => undefined,
      grantsOf: async () => undefined,
      recordTurn: async () => undefined,
      finish: async () => null,
      release: nothing,
    },
    healthCounts: { read: async () => ({ healthy: 0, unhealthy: 0, unchecked: 0 }), fold: nothing },
    expiries: { warn: async () => [] },
    fleet: {
      listGrants: async () => ({ grants: [], nextCursor: null }),
      findGrant: async () => undefined,
      listConnections: async () => ({ records: [], nextCursor: null }),
      findConnection: async () => undefined,
      countGrantsOf: async () => ({ byStatus: { not_connected: 0, completed: 0, failed: 0 }, isComplete: true }),
      readStats: async () => ({
        at: new Date(0),
        counts: [],
        dueSoon: noGrants,
        failing: noGrants,
        refreshTokensExpiring: noGrants,
      }),
      readNeeds: async () => ({ groups: [], neverConnected: noGrants }),
      readForecast: async () => ({ hours: [], days: [] }),
      fold: nothing,
    },
    auditPartitions: {
      maintain: async () => ({ created: [], dropped: [], hasStrayEvents: false, mayDrop: true }),
    },
  };
}

/** An installation with one worker and an empty queue. */
export function idleReadings(): InstallationReadings {
  return {
    isListenerUp: () => true,
    isQueueUp: () => true,
    backlog: async () => ({ due: 0, overdueSeconds: 0 }),
    queues: async () => [],
    unsavedTokens: async () => 0,
    background: async () => ({ workers: 1, workingSince: null, lastSweepAt: null }),
  };
}
