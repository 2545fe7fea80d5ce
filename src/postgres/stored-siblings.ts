import type { LastError, Sibling, TokenMetadata } from '../domain/grants/grant.ts';

/** Second token sets as JSON: their dates are text. */
export type StoredSiblings = Readonly<Record<string, StoredSibling>>;

type Stored<T, Dates extends keyof T> = Omit<T, Dates> & { [K in Dates]: string | null };

type StoredMetadata = Stored<
  Omit<TokenMetadata, 'siblings' | 'keepAliveAt'>,
  'expiresAt' | 'refreshExpiresAt' | 'obtainedAt'
>;

export interface StoredSibling
  extends Omit<
    Stored<Sibling, 'refreshStartedAt' | 'failingSince' | 'retryAt' | 'lastRefreshAt'>,
    'metadata' | 'lastError'
  > {
  metadata: StoredMetadata & { keepAliveAt?: string };
  lastError: (Omit<LastError, 'at'> & { at: string }) | null;
}
