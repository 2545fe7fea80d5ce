import type { Actor } from '../domain/caller.ts';
import type { Credential } from '../domain/credential.ts';

export interface CredentialRequest {
  connectionName: string;
  subject: string | null;
  accountId: string | null;
  /** The token must live at least this long; 0 asks for one that is alive. */
  minTtlSeconds: number;
  requiredScopes: readonly string[];
  workflow: { id: string; name: string | null } | null;
}

/**
 * A live access token. Throws connection_not_found, grant_not_found, connection_not_ready, provider_unavailable,
 * account_ambiguous, insufficient_scope, min_ttl_unsatisfiable, forbidden.
 */
export type GetCredential = (actor: Actor, request: CredentialRequest) => Promise<Credential>;
