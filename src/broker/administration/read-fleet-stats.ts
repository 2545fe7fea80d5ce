import type { Caller } from '../../domain/callers/caller.ts';
import type { StatusReason, StoredGrantStatus } from '../../domain/grants/grant.ts';
import type { NextAction } from '../../domain/next-action.ts';
import type { FleetReader, FleetStats, GrantCount } from '../../domain/ports/fleet.ts';
import type { SweepStatus, SweepStore } from '../../domain/ports/maintenance/sweeps.ts';

export type CountByStatus = Record<StoredGrantStatus, number>;

export interface FleetStatsView extends Omit<FleetStats, 'counts'> {
  total: number;
  byStatus: CountByStatus;
  byNextAction: Record<NextAction, number>;
  byProvider: { provider: string; total: number; byStatus: CountByStatus }[];
  /** Only grants with a reason. */
  byReason: { reason: StatusReason; total: number }[];
  /** The sweep that began last; null before the first. */
  lastSweep: SweepStatus | null;
  /** Whether the caller may see how many grants the sweep found: it covers every organisation. */
  seesSweepCounts: boolean;
}

/** Reads the statistics of the grants within the caller's organisations. */
export type ReadFleetStats = (caller: Caller) => Promise<FleetStatsView>;

export interface ReadFleetStatsDeps {
  fleet: Pick<FleetReader, 'readStats'>;
  sweeps: Pick<SweepStore, 'last'>;
  windowMs: number;
  expiryWarningMs: number;
}

export function createReadFleetStats({ fleet, sweeps, windowMs, expiryWarningMs }: ReadFleetStatsDeps): ReadFleetStats {
  return async (caller) => {
    const { counts, ...measured } = await fleet.readStats(caller, { dueMs: windowMs, expiryWarningMs });
    return {
      ...measured,
      ...sumCounts(counts),
      lastSweep: await sweeps.last(),
      seesSweepCounts: caller.organizations === '*' && caller.global,
    };
  };
}

const noGrants = (): CountByStatus => ({ not_connected: 0, completed: 0, failed: 0 });

function sumCounts(counts: readonly GrantCount[]) {
  const byStatus = noGrants();
  const byNextAction: Record<NextAction, number> = { authorize: 0, reconfigure: 0, wait: 0, none: 0 };
  const byProvider = new Map<string, { provider: string; total: number; byStatus: CountByStatus }>();
  const byReason = new Map<StatusReason, { reason: StatusReason; total: number }>();
  let total = 0;
  for (const { provider, status, reason, nextAction, grants } of counts) {
    total += grants;
    byStatus[status] += grants;
    byNextAction[nextAction] += grants;
    const ofProvider = byProvider.get(provider) ?? { provider, total: 0, byStatus: noGrants() };
    ofProvider.total += grants;
    ofProvider.byStatus[status] += grants;
    byProvider.set(provider, ofProvider);
    if (reason !== null) byReason.set(reason, { reason, total: grants + (byReason.get(reason)?.total ?? 0) });
  }
  return { total, byStatus, byNextAction, byProvider: [...byProvider.values()], byReason: [...byReason.values()] };
}
