import type { Kysely } from 'kysely';
import type { ExpiryStore } from '../../domain/ports/maintenance/expiry.ts';
import type { HealthStore } from '../../domain/ports/maintenance/health.ts';
import type { HealthCounts, HealthRunStore } from '../../domain/ports/maintenance/health-runs.ts';
import type { RevocationStore } from '../../domain/ports/maintenance/revocations.ts';
import type { SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import { createHealthCounts } from '../health/health-counts.ts';
import { createHealthRunStore } from '../health/health-run-store.ts';
import { createHealthStore } from '../health/health-store.ts';
import type { Tables } from '../tables.ts';
import { createExpiryStore } from './expiry-store.ts';
import { createRevocationStore } from './revocation-store.ts';
import { createSweepStore } from './sweep-store.ts';

/** Stores of scheduled work. They serve every organisation. */
export interface MaintenanceStores {
  sweeps: SweepStore;
  health: HealthStore;
  healthRuns: HealthRunStore;
  healthCounts: HealthCounts;
  expiries: ExpiryStore;
  revocations: RevocationStore;
}

export function createMaintenanceStores(deps: { db: Kysely<Tables> }): MaintenanceStores {
  return {
    sweeps: createSweepStore(deps),
    health: createHealthStore(deps),
    healthRuns: createHealthRunStore(deps),
    healthCounts: createHealthCounts(deps),
    expiries: createExpiryStore(deps),
    revocations: createRevocationStore(deps),
  };
}
