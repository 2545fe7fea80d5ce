import type { Authorization } from '../../domain/authorization.ts';
import { type ConnectedDetails, connectedDetails } from '../../domain/authorization-outcome.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import { withoutSiblings, withSiblings } from '../../domain/grants/siblings.ts';
import { tokenMetadata } from '../../domain/grants/token-metadata.ts';
import { mergeRefreshed } from '../../domain/grants/token-set.ts';
import type { AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { TransactionStores } from '../../domain/ports/stores.ts';
import type { Arrival, StoreGrant } from '../grants/store-grant.ts';
import { openTokens } from '../sealing.ts';
import { AuthorizationAborted, refuseOtherAccount, verifiedAccount } from './confirmation/refuse-other-account.ts';
import type { ObtainedTokens } from './obtain-authorized-tokens.ts';

/** Grant in the authorization's slot as it was before the code exchange. */
export type GrantBefore = Pick<Grant, 'id' | 'accountId' | 'revokedAt'> | undefined;

/**
 * Stores the obtained tokens within the caller's transaction. `address` is that of the person's browser. Throws
 * AuthorizationAborted.
 */
export type ConnectGrant = (
  stores: TransactionStores,
  found: AuthorizationWithConnection,
  obtained: ObtainedTokens,
  before: GrantBefore,
  address: string | null,
) => Promise<{ grantId: string; details: ConnectedDetails }>;

export interface ConnectGrantDeps {
  storeGrant: StoreGrant;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  cipher: Cipher;
  clock: () => Date;
}

export function createConnectGrant(deps: ConnectGrantDeps): ConnectGrant {
  const { storeGrant, clock } = deps;
  return async (stores, { authorization, connection: atStart }, obtained, before, address) => {
    const connection = await lockUnchanged(stores, authorization);
    const { multiAccount } = connection.settings;
    const accountId = obtained.account?.id ?? authorization.accountId;
    const now = clock();
    const stored: { details?: ConnectedDetails } = {};
    const grantId = await storeGrant(stores, {
      organizationId: authorization.organizationId,
      consent: { connectionName: connection.name, how: 'authorization', actor: authorization.createdBy, address },
      slot: { connectionId: connection.id, subject: authorization.subject, accountId },
      multiAccount,
      accountName: obtained.account?.name ?? null,
      accountVerified: verifiedAccount(obtained) !== null,
      requestedScopes: authorization.scopes,
      testedAt: obtained.testResult === 'success' ? now : null,
      now,
      arrive: (held) => {
        refuseOtherAccount(authorization, obtained, held);
        if (!multiAccount || before?.accountId === accountId) refuseEnded(before, held);
        const arriving = arrivingTokens(deps, atStart, authorization, obtained, held);
        stored.details = connectedDetails(held, arriving.metadata, authorization.scopes, obtained.account);
        return arriving;
      },
    });
    if (stored.details === undefined) throw new Error('a grant was stored without its tokens');
    return { grantId, details: stored.details };
  };
}

/**
 * Locks the connection of an authorization: an edit or deletion since its start is visible now, a later one waits. Throws
 * AuthorizationAborted.
 */
export async function lockUnchanged(
  { connections }: Pick<TransactionStores, 'connections'>,
  { connectionId, configVersion }: Authorization,
): Promise<Connection> {
  const connection = await connections.lockForUse(connectionId);
  if (connection === undefined) throw new AuthorizationAborted('connection_changed', 'The connection was deleted.');
  if (connection.configVersion !== configVersion) {
    throw new AuthorizationAborted('connection_changed', 'The connection was changed while it was being authorized.');
  }
  return connection;
}

/** Refuses tokens for a grant that was revoked or deleted during the code exchange. */
function refuseEnded(before: GrantBefore, held: Grant | undefined): void {
  if (before === undefined) return;
  const isRevokedSince = held?.id === before.id && held.revokedAt?.getTime() !== before.revokedAt?.getTime();
  if (held !== undefined && !(isRevokedSince && held.revokedAt !== null)) return;
  throw new AuthorizationAborted('access_revoked', 'The access was revoked while it was being authorized.');
}

function arrivingTokens(
  { catalogue, cipher }: ConnectGrantDeps,
  { settings }: Connection,
  { scopes: requestedScopes }: Authorization,
  obtained: ObtainedTokens,
  held: Grant | undefined,
): ReturnType<Arrival['arrive']> {
  const { response, requestedAt } = obtained;
  // An earlier refresh token is kept only if it certainly belongs to the account that has just consented.
  const verified = verifiedAccount(obtained);
  const same = held !== undefined && verified !== null && held.accountId === verified ? held : undefined;
  const heldTokens = same?.sealedTokens ? openTokens(cipher, same, same.sealedTokens) : null;
  // Those of the response alone: the person who consented may be another one than the person behind the earlier ones.
  const kept = withoutSiblings(mergeRefreshed(heldTokens, response.tokens));
  const template = catalogue.find(settings.provider);
  const metadata = tokenMetadata({
    // RFC 6749 §5.1: a response without scopes grants the requested ones, not those of an earlier grant.
    response: { ...response, scopes: response.scopes ?? requestedScopes },
    kept,
    flow: settings.flow,
    exchangesAccessToken: template?.refresh.strategy === 'exchange_access_token',
    refreshIdleDays: template?.refreshToken.idleDays ?? null,
    held: same?.metadata ?? null,
    requestedScopes,
    ...(template && { scopeNames: template }),
    requestedAt,
  });
  // A refresh token that is kept came under the earlier origins.
  const keepsRefreshToken = response.tokens.refreshToken === null && kept.refreshToken !== null;
  // Those in force when the code was exchanged: an edit may have been committed since.
  const now = obtained.origins;
  const revocationUrl = keepsRefreshToken && same !== undefined ? same.origins.revocationUrl : now.revocationUrl;
  const refreshIdleDays = template?.refreshToken.idleDays ?? null;
  const arrived = withSiblings(
    { tokens: kept, metadata },
    { responses: response.siblings, requestedAt, refreshIdleDays },
  );
  return { ...arrived, origins: { ...now, revocationUrl } };
}
