import type { Authorization } from '../domain/authorization.ts';
import type { Connection } from '../domain/connection.ts';
import type { Grant, StatusReason } from '../domain/grant.ts';
import type { TripWithConnection } from '../domain/ports/callers.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { TransactionStores } from '../domain/ports/stores.ts';
import { factsOf } from '../domain/token-facts.ts';
import { mergeRefreshed } from '../domain/token-set.ts';
import type { ObtainedTokens } from './obtain-authorized-tokens.ts';
import { openTokens } from './sealing.ts';
import type { Arrival, StoreGrant } from './store-grant.ts';

/** Thrown inside the transaction that would have stored the tokens, so that nothing of it stays. */
export class TripAbandoned extends Error {
  override readonly name = 'TripAbandoned';
  readonly reason: StatusReason;

  constructor(reason: StatusReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The grant in the trip's slot as it was before the code was exchanged. */
export type GrantBefore = Pick<Grant, 'id' | 'accountId' | 'revokedAt'> | undefined;

/** Stores what a trip obtained, within the caller's transaction. Throws TripAbandoned. Answers the grant's id. */
export type ConnectGrant = (
  stores: TransactionStores,
  trip: TripWithConnection,
  obtained: ObtainedTokens,
  before: GrantBefore,
) => Promise<string>;

export interface ConnectGrantDeps {
  storeGrant: StoreGrant;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  cipher: Cipher;
  clock: () => Date;
}

export function createConnectGrant(deps: ConnectGrantDeps): ConnectGrant {
  const { storeGrant, clock } = deps;
  return async ({ connections, grants }, { authorization, connection: atStart }, obtained, before) => {
    // Held from here on: an edit or a deletion that came during the exchange is seen, a later one waits.
    const connection = await connections.lockForUse(atStart.id);
    if (connection === undefined) throw new TripAbandoned('configuration_changed', 'The connection was deleted.');
    if (connection.configVersion !== authorization.configVersion) {
      throw new TripAbandoned('configuration_changed', 'The connection was changed while it was being authorized.');
    }
    const { multiAccount } = connection.settings;
    const accountId = obtained.account?.id ?? authorization.accountId;
    const now = clock();
    return storeGrant(grants, {
      organizationId: authorization.organizationId,
      slot: { connectionId: connection.id, subject: authorization.subject, accountId },
      multiAccount,
      accountName: obtained.account?.name ?? null,
      requestedScopes: authorization.scopes,
      testedAt: obtained.testResult === 'success' ? now : null,
      now,
      arrive: (held) => {
        refuseOtherAccount(authorization, obtained, held);
        if (!multiAccount || before?.accountId === accountId) refuseEnded(before, held);
        return arrivingTokens(deps, connection, authorization, obtained, held);
      },
    });
  };
}

/** Session swap: someone else's consent must not end up under this subject, nor this subject's under someone else's account. */
function refuseOtherAccount(authorization: Authorization, { account }: ObtainedTokens, held: Grant | undefined): void {
  if (account === null || authorization.allowAccountChange) return;
  const expected = [authorization.accountId, held?.accountId ?? null].filter((id) => id !== null);
  if (expected.every((id) => id === account.id)) return;
  throw new TripAbandoned(
    'account_mismatch',
    'Another account was connected than the one expected. Sign in with that one, or allow the account to change.',
  );
}

/** What was revoked or deleted while the code was being exchanged does not come back through it. */
function refuseEnded(before: GrantBefore, held: Grant | undefined): void {
  if (before === undefined) return;
  const isRevokedSince = held?.id === before.id && held.revokedAt?.getTime() !== before.revokedAt?.getTime();
  if (held !== undefined && !(isRevokedSince && held.revokedAt !== null)) return;
  throw new TripAbandoned('revoked', 'The access was revoked while it was being authorized.');
}

function arrivingTokens(
  { catalogue, cipher }: ConnectGrantDeps,
  { settings }: Connection,
  { scopes: requestedScopes }: Authorization,
  { answer, account, requestedAt }: ObtainedTokens,
  held: Grant | undefined,
): ReturnType<Arrival['arrive']> {
  // An earlier refresh token is worth keeping only if it certainly belongs to the account that has just consented.
  const same = held !== undefined && account !== null && held.accountId === account.id ? held : undefined;
  const heldTokens = same?.sealedTokens ? openTokens(cipher, same, same.sealedTokens) : null;
  const kept = mergeRefreshed(heldTokens, answer.tokens);
  const template = catalogue.find(settings.provider);
  const facts = factsOf({
    // RFC 6749 §5.1: a provider that names no scopes granted those requested, not those of an earlier grant.
    answer: { ...answer, scopes: answer.scopes ?? requestedScopes },
    kept,
    flow: settings.flow,
    exchangesAccessToken: template?.refresh.strategy === 'exchange_access_token',
    refreshIdleDays: template?.refreshToken.idleDays ?? null,
    held: same?.facts ?? null,
    requestedScopes,
    requestedAt,
  });
  return { tokens: kept, facts };
}
