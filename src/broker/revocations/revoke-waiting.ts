import type { Authorization } from '../../domain/authorization.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { AddedRevocation } from '../../domain/ports/maintenance/revocations.ts';
import type { OAuthGateway, ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { TransactionStores } from '../../domain/ports/stores.ts';
import { sealTokens } from '../sealing.ts';
import { openWaitingSecrets, type WaitingSecrets } from '../waiting-tokens.ts';
import { firstAttemptMs } from './revoke-at-once.ts';
import { mayRevoke } from './send-revocation.ts';

/**
 * Adds the revocation of tokens that waited for a confirmation and are discarded, within the caller's transaction. The
 * caller has locked the authorization, and forgets its tokens in the same transaction. Adds nothing if a revocation
 * could end a working grant of the same person.
 */
export type RevokeWaiting = (
  stores: Pick<TransactionStores, 'grants' | 'revocations'>,
  connection: Connection,
  authorization: Authorization,
) => Promise<AddedRevocation[]>;

export interface RevokeWaitingDeps {
  oauth: Pick<OAuthGateway, 'endpoints'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  cipher: Cipher;
  clock: () => Date;
  onError: (error: unknown) => void;
}

export function createRevokeWaiting({ oauth, catalogue, cipher, clock, onError }: RevokeWaitingDeps): RevokeWaiting {
  function open(authorization: Authorization): WaitingSecrets | null {
    if (!authorization.waiting?.sealed) return null;
    try {
      return openWaitingSecrets(cipher, authorization, authorization.waiting.sealed);
    } catch (error) {
      // A value that does not open now never will. It must not keep the connection from being deleted.
      onError(error);
      return null;
    }
  }

  return async (stores, connection, authorization) => {
    const { binding, organizationId, subject } = authorization;
    const secrets = open(authorization);
    if (secrets === null || binding === null) return [];
    // An edit since then dropped the tokens: the client that they belong to is gone.
    if (authorization.configVersion !== connection.configVersion) return [];
    const tokens = { id: binding.authorizationId, organizationId, origins: secrets.origins };
    if (!mayRevoke(oauth, connection, tokens)) return [];
    if (await mightEndGrant(stores, catalogue, connection, authorization)) return [];
    const now = clock();
    const sealedTokens = sealTokens(cipher, tokens, secrets.tokens);
    const times = { now, dueAt: new Date(now.getTime() + firstAttemptMs) };
    return [await stores.revocations.addTokens(connection, { ...tokens, subject, sealedTokens }, times)];
  };
}

/**
 * Tells whether revoking the tokens might end another grant of the person. Without a template the extent is not known:
 * then a grant in the same slot may depend on the same consent.
 */
async function mightEndGrant(
  { grants }: Pick<TransactionStores, 'grants'>,
  catalogue: Pick<ProviderCatalogue, 'find'>,
  connection: Connection,
  { connectionId, subject, accountId }: Authorization,
): Promise<boolean> {
  const extent = catalogue.find(connection.settings.provider)?.revocationEnds?.what ?? null;
  if (extent === 'every_grant_of_the_person') return true;
  if (extent === 'token' || extent === 'grant') return false;
  const slot = { connectionId, subject, accountId: connection.settings.multiAccount ? accountId : null };
  return (await grants.findSlot(slot))?.sealedTokens != null;
}
