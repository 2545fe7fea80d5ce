import type { Actor } from '../callers/caller.ts';
import type { BrokerErrorCode } from '../errors.ts';

/** One call for a credential, served or refused. */
export interface CredentialFetch {
  at: Date;
  /** renew: the caller reported that the provider's API rejected the token. */
  operation: 'fetch' | 'renew';
  actor: Actor;
  /** Name as the caller sent it. A connection of that name may not exist. */
  connectionName: string;
  subject: string | null;
  accountId: string | null;
  /** Workflow that the caller named; null if it named none. */
  workflow: { id: string; name: string | null } | null;
  /** Null if no connection was found. */
  connectionId: string | null;
  /** Null if no single grant was found. */
  grantId: string | null;
  /** Reason of the refusal; null if a token was served. */
  refusal: BrokerErrorCode | null;
  /** Origin of the token. refresh: the caller waited for a refresh. Null if none was served. */
  source: 'cache' | 'store' | 'refresh' | null;
}

/** Receives each fetch before its response is sent. Must neither throw nor wait: every fetch pays for it. */
export type OnFetch = (fetch: CredentialFetch) => void;
