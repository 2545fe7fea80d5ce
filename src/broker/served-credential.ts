import type { Credential, CredentialMatch, ServableGrant } from '../domain/credential.ts';
import type { Cipher, Sealed } from '../domain/ports/cipher.ts';
import { openTokens } from './sealing.ts';

/** The credential that a grant is served as; `sealed` is the grant's own token set. */
export type CredentialOf = (match: CredentialMatch, grant: ServableGrant, sealed: Sealed) => Credential;

export function createCredentialOf(cipher: Cipher): CredentialOf {
  return (match, grant, sealed) => ({
    connectionName: match.connectionName,
    organizationId: match.organizationId,
    grantOrganizationId: grant.organizationId,
    subject: grant.subject,
    accountId: grant.accountId,
    expiresAt: grant.facts?.expiresAt ?? null,
    scopes: grant.facts?.scopes ?? [],
    status: grant.status,
    statusReason: grant.statusReason,
    openTokens() {
      const { accessToken, tokenType, extra } = openTokens(cipher, grant, sealed);
      return { accessToken: accessToken.reveal(), tokenType, extra };
    },
    room: grant.room ?? null,
  });
}
