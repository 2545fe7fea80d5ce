import type { Grant } from '../../domain/grants/grant.ts';

/** Condition that a refresh must meet for its caller, and how far it may go for that. */
export interface RefreshDemand {
  /** Checks the row read under the lease: the previous holder has probably refreshed already. */
  isSatisfiedBy: (grant: Grant) => boolean;
  /** Calls the provider even before retry_at, up to the limit of refreshes on demand. */
  onDemand: boolean;
  /**
   * Also tries a refresh token that the provider refused, at any time. Only for a caller that asks for this refresh: a
   * report of a rejected token would send the refused token again and again.
   */
  triesRefused?: boolean;
  /**
   * Version that the caller wants replaced. If the row has a newer version, this costs one select and no lease: many
   * late reports of the same token write nothing.
   */
  seenVersion?: number;
}
