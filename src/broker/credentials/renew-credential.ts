import type { Actor } from '../../domain/callers/caller.ts';
import type { Credential } from '../../domain/grants/credential.ts';
import type { OnFetch } from '../../domain/grants/credential-fetch.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { RefreshStore } from '../../domain/ports/engine.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Workflow } from '../../domain/workflows.ts';
import { openTokens } from '../sealing.ts';
import type { FindServable, Servable } from './get-credential.ts';
import { createObserveFetch } from './observe-fetch.ts';
import type { RequireEnabled } from './require-enabled.ts';
import type { ServeCredential } from './serve-credential.ts';

export interface RejectedToken {
  connectionName: string;
  rejectedToken: Secret;
  subject: string | null;
  accountId: string | null;
  workflow: Workflow | null;
}

export interface RenewedCredential {
  credential: Credential;
  /** False if the reported token was not the current one, or the provider issued the same token again. */
  renewed: boolean;
}

/**
 * Replaces a token that an API rejected. Refreshes only if it is still the current token, else serves the current one.
 * Throws the errors of a fetch, and rate_limited.
 */
export type RenewCredential = (actor: Actor, report: RejectedToken) => Promise<RenewedCredential>;

export interface RenewCredentialDeps {
  /** Must read the row: a cached grant may be older than the reported token. */
  findServable: FindServable;
  serveCredential: ServeCredential;
  requireEnabled: RequireEnabled;
  cipher: Cipher;
  store: Pick<RefreshStore, 'reportToken'>;
  clock: () => Date;
  onFetch: OnFetch;
}

export function createRenewCredential(deps: RenewCredentialDeps): RenewCredential {
  const { findServable, serveCredential, requireEnabled, cipher, store, clock, onFetch } = deps;
  const observe = createObserveFetch({ operation: 'renew', clock, onFetch });
  const tokenOf = (credential: Credential) => credential.openTokens().accessToken.reveal();

  async function renew(actor: Actor, report: RejectedToken, { match, grant }: Servable): Promise<RenewedCredential> {
    const rejected = report.rejectedToken.reveal();
    const isCurrent =
      grant.sealedTokens !== null && openTokens(cipher, grant, grant.sealedTokens).accessToken.reveal() === rejected;
    if (!isCurrent) {
      const credential = await serveCredential.serve(match, grant, { minTtlSeconds: 0, requiredScopes: [] });
      return { credential, renewed: false };
    }
    // Recorded before the refresh: a process that ends after a failed refresh must not bring the token back. A report of
    // a shared grant's token by another organisation is not recorded: it would end the token for every organisation.
    if (grant.organizationId === actor.organizationId) await store.reportToken(grant);
    const credential = await serveCredential.serveNewer(match, grant);
    return { credential, renewed: tokenOf(credential) !== rejected };
  }

  return async (actor, report) => {
    let found: Servable | null = null;
    try {
      if (report.workflow !== null) await requireEnabled(actor.organizationId, report.workflow);
      found = await findServable(actor, report);
      const renewed = await renew(actor, report, found);
      observe(actor, report, found, null, renewed.credential);
      return renewed;
    } catch (error) {
      observe(actor, report, found, error, null);
      throw error;
    }
  };
}
