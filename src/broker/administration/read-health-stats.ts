import type { Caller } from '../../domain/callers/caller.ts';
import type {
  HealthCounts,
  HealthNumbers,
  HealthRun,
  HealthRunStore,
} from '../../domain/ports/maintenance/health-runs.ts';

export interface HealthStats extends HealthNumbers {
  /** The run that was requested last; null before the first. */
  lastRun: HealthRun | null;
  /** Whether the caller may see the numbers of the run: it covers every organisation. */
  seesRunNumbers: boolean;
}

/** Reads the health of the grants within the caller's organisations. */
export type ReadHealthStats = (caller: Caller) => Promise<HealthStats>;

export interface ReadHealthStatsDeps {
  counts: Pick<HealthCounts, 'read'>;
  runs: Pick<HealthRunStore, 'last'>;
}

export function createReadHealthStats({ counts, runs }: ReadHealthStatsDeps): ReadHealthStats {
  return async (caller) => ({
    ...(await counts.read(caller)),
    lastRun: await runs.last(),
    seesRunNumbers: caller.organizations === '*' && caller.global,
  });
}
