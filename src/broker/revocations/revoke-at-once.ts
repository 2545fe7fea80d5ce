import type { AddedRevocation, RevocationStore } from '../../domain/ports/maintenance/revocations.ts';
import type { AttemptRevocation } from './attempt-revocation.ts';
import type { ClaimFromNow } from './claim-revocation.ts';

/**
 * Makes the first attempts at revocations that were just committed, while a caller waits. Never throws: the scheduled
 * work repeats what fails or is left. Returns the ids of the grants that the provider confirmed.
 */
export type RevokeAtOnce = (added: readonly AddedRevocation[]) => Promise<Set<string>>;

export interface RevokeAtOnceDeps {
  revocations: Pick<RevocationStore, 'claimFirst'>;
  attemptRevocation: AttemptRevocation;
  claimFromNow: ClaimFromNow;
  /** False: nothing is sent, and the revocations stay pending. */
  callsTokenEndpoints: boolean;
  clock: () => Date;
  onError: (error: unknown) => void;
}

/** Concurrent revocations. More would burst the provider; fewer would make the caller wait longer. */
const parallel = 8;
/** Consecutive failures after which the provider counts as down. Further calls would only delay the caller. */
const maxFailuresInARow = 10;
/** Time in milliseconds in which attempts begin. A caller's own time limit is rarely longer than 30 seconds. */
const beginsWithinMs = 15_000;
/** Time in milliseconds after the commit from which the scheduled work takes what the first attempts left. */
export const firstAttemptMs = 60_000;

export function createRevokeAtOnce(deps: RevokeAtOnceDeps): RevokeAtOnce {
  const { revocations, attemptRevocation, claimFromNow, callsTokenEndpoints, clock, onError } = deps;
  return async (added) => {
    const confirmed = new Set<string>();
    if (!callsTokenEndpoints) return confirmed;
    const waiting = added.values();
    const endsAt = clock().getTime() + beginsWithinMs;
    let failuresInARow = 0;

    async function revokeNext(): Promise<void> {
      for (const { id, grantId } of waiting) {
        if (failuresInARow >= maxFailuresInARow || clock().getTime() >= endsAt) return;
        try {
          const claimed = await revocations.claimFirst(id, claimFromNow());
          if (claimed === undefined) continue;
          const result = await attemptRevocation(claimed);
          if (result === 'confirmed') confirmed.add(grantId);
          failuresInARow = result === 'postponed' || result === 'given_up' ? failuresInARow + 1 : 0;
        } catch (error) {
          // The database failed. The claim ends by itself, and the scheduled work takes the row then.
          failuresInARow++;
          onError(error);
        }
      }
    }

    await Promise.all(Array.from({ length: parallel }, revokeNext));
    return confirmed;
  };
}
