import { type Caller, reachesInstallation } from '../../../domain/callers/caller.ts';
import type { RefreshSchedule } from '../../../domain/grants/refresh-policy.ts';
import type { BoundedCount, FleetReader } from '../../../domain/ports/fleet.ts';
import type { KeyBackupStore } from '../../../domain/ports/keys.ts';
import type { BacklogReadings, InstallationReadings } from '../../../domain/ports/monitoring/readings.ts';
import type { EndpointCircuit, ProviderCircuits } from '../../../domain/ports/oauth.ts';

export interface BackgroundAttention {
  /** Live workers. */
  workers: number;
  lastSweepAt: Date | null;
  isSweepOverdue: boolean;
}

export interface InstallationAttention {
  /** Circuits of this process that are not closed, the oldest change first, at most 50. */
  circuits: EndpointCircuit[];
  /** Number of circuits that are not closed. */
  circuitCount: number;
  /** How far refreshes are behind; null if REFRESH_MODE is off. */
  backlog: BacklogReadings | null;
  /** Null if REFRESH_MODE is off: such an installation has no workers. */
  background: BackgroundAttention | null;
  /** Token sets in the spools of this data directory. */
  unsavedTokens: number;
  /** Keys of ENCRYPTION_KEYS whose backup no caller has confirmed. Leaves out keys in a key service. */
  unconfirmedKeyIds: string[];
  isListenerUp: boolean;
  isQueueUp: boolean;
}

export interface Attention {
  /** Working grants of the caller's organisations whose refresh token expires within `expiryWarningMs`. */
  refreshTokensExpiring: BoundedCount;
  expiryWarningMs: number;
  /** Working grants of the caller's organisations whose last refresh failed. */
  failing: BoundedCount;
  /** Null unless the caller reaches the whole installation. */
  installation: InstallationAttention | null;
}

/** Reads what may soon need a person. */
export type ReadAttention = (caller: Caller) => Promise<Attention>;

export interface ReadAttentionDeps {
  fleet: Pick<FleetReader, 'readStats'>;
  readings: Pick<InstallationReadings, 'background' | 'backlog' | 'unsavedTokens' | 'isListenerUp' | 'isQueueUp'>;
  circuits: ProviderCircuits['circuits'];
  keyBackups: Pick<KeyBackupStore, 'list'>;
  schedule: RefreshSchedule;
  expiryWarningMs: number;
  callsTokenEndpoints: boolean;
  /** Keys that lie in this installation's own configuration. */
  heldKeyIds: readonly string[];
  clock: () => Date;
}

/** Circuits that are listed. An outage of a network opens hundreds at once. */
const maxCircuits = 50;
/** Intervals without the end of a sweep after which sweeps count as overdue: the rule of GET /health. */
const overdueAfterIntervals = 2;

export function createReadAttention(deps: ReadAttentionDeps): ReadAttention {
  const { fleet, schedule, expiryWarningMs } = deps;
  return async (caller) => {
    const stats = await fleet.readStats(caller, { dueMs: schedule.windowMs, expiryWarningMs });
    return {
      refreshTokensExpiring: stats.refreshTokensExpiring,
      expiryWarningMs,
      failing: stats.failing,
      installation: reachesInstallation(caller) ? await readInstallation(deps) : null,
    };
  };
}

async function readInstallation(deps: ReadAttentionDeps): Promise<InstallationAttention> {
  const { readings, keyBackups, heldKeyIds, callsTokenEndpoints } = deps;
  const open = deps.circuits().filter(({ state }) => state !== 'closed');
  open.sort((one, other) => one.since.getTime() - other.since.getTime());
  const confirmed = new Set((await keyBackups.list(heldKeyIds)).map(({ keyId }) => keyId));
  return {
    circuits: open.slice(0, maxCircuits),
    circuitCount: open.length,
    backlog: callsTokenEndpoints ? await readings.backlog() : null,
    background: callsTokenEndpoints ? await readBackground(deps) : null,
    unsavedTokens: await readings.unsavedTokens(),
    unconfirmedKeyIds: heldKeyIds.filter((id) => !confirmed.has(id)),
    isListenerUp: readings.isListenerUp(),
    isQueueUp: readings.isQueueUp(),
  };
}

/** Before the first sweep ends, counts from the start of the workers. */
async function readBackground({ readings, schedule, clock }: ReadAttentionDeps): Promise<BackgroundAttention> {
  const { workers, workingSince, lastSweepAt } = await readings.background();
  const since = lastSweepAt ?? workingSince;
  const overdueMs = schedule.intervalMs * overdueAfterIntervals;
  const isSweepOverdue = since !== null && clock().getTime() - since.getTime() > overdueMs;
  return { workers, lastSweepAt, isSweepOverdue };
}
