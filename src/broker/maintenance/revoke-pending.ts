import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { GrantLane } from '../../domain/ports/maintenance/lanes.ts';
import type { RevocationStore } from '../../domain/ports/maintenance/revocations.ts';
import type { AttemptRevocation, RevocationResult } from '../revocations/attempt-revocation.ts';
import type { ClaimFromNow } from '../revocations/claim-revocation.ts';
import { lanesByOrganization } from './lanes.ts';

/**
 * Repeats revocations at the provider that are due. Takes the organisations, and the connections of each, in turns.
 * Rejects when `signal` aborts, after the attempts in flight. Returns the number of attempts by result.
 */
export type RevokePending = (signal: AbortSignal) => Promise<Record<RevocationResult, number>>;

export interface RevokePendingDeps {
  revocations: Pick<RevocationStore, 'lanes' | 'claimDue'>;
  attemptRevocation: AttemptRevocation;
  claimFromNow: ClaimFromNow;
  /** False: nothing is sent, and the revocations stay pending. */
  callsTokenEndpoints: boolean;
  clock: () => Date;
}

/** Lanes of one run. The store returns them in random order, so the next runs reach the others. */
const maxLanes = 1_000;
/** Time in milliseconds in which attempts of a run begin. The next run goes on with the rest. */
const beginsWithinMs = 4 * 60_000;
/** Organisations that are served at once. One with providers that hang holds one of these places. */
const organizationsAtOnce = 4;
/** Concurrent calls for one organisation. */
const attemptsAtOnce = 4;
/** Consecutive failures after which a lane's provider counts as down in this run. */
const maxFailuresOfLane = 3;
/** Failures after which an organisation gives its place to another one in this run. */
const maxFailuresOfOrganization = 12;

interface Run {
  results: Record<RevocationResult, number>;
  endsAt: number;
  signal: AbortSignal;
}

export function createRevokePending(deps: RevokePendingDeps): RevokePending {
  const { revocations, callsTokenEndpoints, clock } = deps;
  return async (signal) => {
    const results = { confirmed: 0, unsupported: 0, postponed: 0, given_up: 0 };
    if (!callsTokenEndpoints) return results;
    const now = clock();
    const run: Run = { results, endsAt: now.getTime() + beginsWithinMs, signal };
    const organizations = lanesByOrganization(await revocations.lanes(now, maxLanes)).entries();
    async function serveNext(): Promise<void> {
      for (const organization of organizations) await serveOrganization(deps, run, organization);
    }
    await settleAll(Array.from({ length: organizationsAtOnce }, serveNext));
    signal.throwIfAborted();
    return results;
  };
}

async function serveOrganization(
  { revocations, attemptRevocation, claimFromNow, clock }: RevokePendingDeps,
  { results, endsAt, signal }: Run,
  [, lanes]: [OrganizationId, GrantLane[]],
): Promise<void> {
  const open = lanes.map((lane) => ({ lane, failuresInARow: 0 }));
  let failures = 0;
  let turn = 0;

  async function revokeNext(): Promise<void> {
    while (open.length > 0 && failures < maxFailuresOfOrganization && clock().getTime() < endsAt && !signal.aborted) {
      const place = open[turn++ % open.length];
      if (place === undefined) return;
      const claimed = await revocations.claimDue(place.lane, claimFromNow());
      if (claimed === undefined) {
        close(place);
        continue;
      }
      const result = await attemptRevocation(claimed);
      results[result] += 1;
      const hasFailed = result === 'postponed' || result === 'given_up';
      failures += Number(hasFailed);
      place.failuresInARow = hasFailed ? place.failuresInARow + 1 : 0;
      if (place.failuresInARow >= maxFailuresOfLane) close(place);
    }
  }

  function close(place: (typeof open)[number]): void {
    const index = open.indexOf(place);
    if (index >= 0) open.splice(index, 1);
  }

  await settleAll(Array.from({ length: attemptsAtOnce }, revokeNext));
}

/** Waits for all, then throws the first failure: no attempt goes on behind a run that has ended. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
