import type { Connection } from '../domain/connection.ts';
import type { Grant } from '../domain/grant.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';
import { openClient, openTokens } from './sealing.ts';

export type RevocableGrant = Pick<Grant, 'id' | 'organizationId' | 'sealedTokens'>;

/**
 * Tells the provider that token sets are over, after the local state says so. Best effort: it never throws, and answers
 * the ids of the grants for which the provider confirmed.
 */
export type RevokeAtProvider = (connection: Connection, grants: readonly RevocableGrant[]) => Promise<Set<string>>;

export interface RevokeAtProviderDeps {
  oauth: Pick<OAuthGateway, 'revoke'>;
  cipher: Cipher;
}

const parallel = 8;
/** A provider that failed this often in a row is away; asking on would only hold up whoever waits. */
const maxFailuresInARow = 10;

export function createRevokeAtProvider({ oauth, cipher }: RevokeAtProviderDeps): RevokeAtProvider {
  return async (connection, grants) => {
    const confirmed = new Set<string>();
    const waiting = grants.values();
    let failuresInARow = 0;

    async function revokeNext(): Promise<void> {
      for (const grant of waiting) {
        if (failuresInARow >= maxFailuresInARow) return;
        if (grant.sealedTokens === null) continue;
        try {
          const tokens = openTokens(cipher, grant, grant.sealedTokens);
          if (await oauth.revoke(openClient(cipher, connection), tokens)) confirmed.add(grant.id);
          failuresInARow = 0;
        } catch {
          failuresInARow++;
        }
      }
    }

    await Promise.all(Array.from({ length: parallel }, revokeNext));
    return confirmed;
  };
}
