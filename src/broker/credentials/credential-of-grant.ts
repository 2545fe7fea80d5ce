import type { Credential, CredentialMatch, ServableGrant } from '../../domain/grants/credential.ts';
import { nextAction } from '../../domain/next-action.ts';
import type { Cipher, Sealed } from '../../domain/ports/cipher.ts';
import { openTokens } from '../sealing.ts';
import { nextSiblingExpiry, servedTokens } from './served-tokens.ts';

/**
 * Makes the credential that a grant is served as; `sealed` is the grant's own token set. The same grant object gives the
 * same credential object until a second token set expires: a cached grant has one credential.
 */
export type CredentialOfGrant = (match: CredentialMatch, grant: ServableGrant, sealed: Sealed) => Credential;

interface KnownCredential {
  credential: Credential;
  /** Time at which a second token set expires, which the credential then no longer has; null if none does. */
  until: Date | null;
}

export function createCredentialOfGrant(cipher: Cipher, clock: () => Date): CredentialOfGrant {
  const credentials = new WeakMap<ServableGrant, KnownCredential>();

  return (match, grant, sealed) => {
    const known = credentials.get(grant);
    if (known !== undefined && (known.until === null || clock() < known.until)) return known.credential;
    const siblings = grant.metadata?.siblings;
    const credential: Credential = {
      connectionName: match.connectionName,
      organizationId: match.organizationId,
      grantOrganizationId: grant.organizationId,
      subject: grant.subject,
      accountId: grant.accountId,
      expiresAt: grant.metadata?.expiresAt ?? null,
      scopes: grant.metadata?.scopes ?? [],
      version: grant.version,
      status: grant.status,
      statusReason: grant.statusReason,
      nextAction: nextAction({
        status: grant.status,
        reason: grant.statusReason,
        flow: match.flow,
        isRetried: grant.retryAt !== null,
      }),
      openTokens: () => servedTokens(openTokens(cipher, grant, sealed), siblings, clock()),
    };
    const until = siblings === undefined ? null : nextSiblingExpiry(siblings, clock());
    credentials.set(grant, { credential, until });
    return credential;
  };
}
