import type { Grant } from '../../domain/grants/grant.ts';
import type { LeasedGrant, RefreshStore } from '../../domain/ports/engine.ts';

/** Default delay of the next try when the grant has no retry date, in milliseconds. */
const soonMs = 5_000;

/** Result of a refresh, which the caller may share with others. */
export type RefreshResult =
  /** The stored token set satisfies the caller's demand, or is newer than the one it rejected. */
  | { kind: 'fresh'; grant: Grant }
  /** The provider did not respond, or may not be called yet. */
  | { kind: 'unavailable'; grant: Grant; retryAt: Date }
  /** The grant has failed, or cannot be refreshed. */
  | { kind: 'failed'; grant: Grant }
  /**
   * The limit of refreshes on demand is reached until retryAfterMs have passed. Only demands with onDemand get this.
   */
  | { kind: 'limited'; retryAfterMs: number }
  | { kind: 'gone' };

/** Result of a refresh that brought no token set. */
export function resultWithoutSuccess(grant: Grant, now: Date): RefreshResult {
  if (grant.status !== 'completed') return { kind: 'failed', grant };
  return { kind: 'unavailable', grant, retryAt: grant.retryAt ?? new Date(now.getTime() + soonMs) };
}

/** Result of a call whose row was replaced, revoked or deleted meanwhile: the state that the row has now. */
export async function resultOfMovedRow(
  store: Pick<RefreshStore, 'find'>,
  { grant }: LeasedGrant,
): Promise<RefreshResult> {
  const current = await store.find(grant.id);
  if (current === undefined) return { kind: 'gone' };
  return current.grant.status === 'completed'
    ? { kind: 'fresh', grant: current.grant }
    : { kind: 'failed', grant: current.grant };
}
