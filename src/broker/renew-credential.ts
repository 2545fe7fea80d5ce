import type { Actor } from '../domain/caller.ts';
import type { Credential } from '../domain/credential.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { Secret } from '../domain/secret.ts';
import type { FindServable } from './get-credential.ts';
import { openTokens } from './sealing.ts';
import type { ServeCredential } from './serve-credential.ts';

export interface RejectedToken {
  connectionName: string;
  rejectedToken: Secret;
  subject: string | null;
  accountId: string | null;
}

/**
 * Refreshed only while the rejected token is still the current one; otherwise the current one is returned. Throws as a
 * fetch does, and rate_limited.
 */
export type RenewCredential = (actor: Actor, report: RejectedToken) => Promise<Credential>;

export interface RenewCredentialDeps {
  /** From the row: what is in memory may be older than the token that is being reported. */
  findServable: FindServable;
  serveCredential: ServeCredential;
  cipher: Cipher;
}

export function createRenewCredential({ findServable, serveCredential, cipher }: RenewCredentialDeps): RenewCredential {
  return async (actor, report) => {
    const { match, grant } = await findServable(actor, report);
    const isCurrent =
      grant.sealedTokens !== null &&
      openTokens(cipher, grant, grant.sealedTokens).accessToken.reveal() === report.rejectedToken.reveal();
    if (!isCurrent) return serveCredential.serve(match, grant, { minTtlSeconds: 0, requiredScopes: [] });
    return serveCredential.serveNewer(match, grant);
  };
}
