import type { Grant } from '../domain/grant.ts';

/** How a refresh ended, for a caller that may have been waiting for someone else's. */
export type RefreshResult =
  /** The stored token set is newer than the one the caller found lacking, or satisfies it. */
  | { kind: 'fresh'; grant: Grant }
  /** The provider did not answer, or may not be asked yet. */
  | { kind: 'unavailable'; grant: Grant; retryAt: Date }
  /** The grant has failed, or has nothing to be refreshed with. */
  | { kind: 'failed'; grant: Grant }
  /** Only for whoever insists: the provider was asked on demand too often, and is asked again after so long. */
  | { kind: 'limited'; retryAfterMs: number }
  | { kind: 'gone' };
