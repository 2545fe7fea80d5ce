import type { RevocationClaim } from '../../domain/ports/maintenance/revocations.ts';

/** Makes the claim of one attempt that begins now. */
export type ClaimFromNow = () => RevocationClaim;

/** Calls of one attempt: one for the refresh token, one for the access token. */
const callsOfAttempt = 2;

/**
 * `leaseMs` outlasts one call to a provider. A claim that ended during the attempt would let a second process send the
 * same tokens at the same time.
 */
export function createClaimFromNow(clock: () => Date, leaseMs: number): ClaimFromNow {
  return () => {
    const now = clock();
    return { now, until: new Date(now.getTime() + callsOfAttempt * leaseMs) };
  };
}
