import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import type { StatusReason } from '../domain/grant.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';
import type { Database, TransactionStores } from '../domain/ports/stores.ts';
import type { NewId } from '../domain/ports/tokens.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import { effectOfFailure } from '../domain/refresh-policy.ts';
import { factsOf } from '../domain/token-facts.ts';
import type { TokenAnswer } from '../domain/token-set.ts';
import { eventOf } from './audit-event.ts';
import { openClient } from './sealing.ts';
import type { StoreGrant } from './store-grant.ts';

/**
 * The token of a client_credentials connection under its present configuration, for its owner. A refusal by the provider
 * is stored, not thrown: the connection stays, failed with the reason.
 */
export type ObtainClientCredentials = (actor: Actor, connection: Connection) => Promise<void>;

export interface ObtainClientCredentialsDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'requestClientCredentials'>;
  cipher: Cipher;
  storeGrant: StoreGrant;
  newId: NewId;
  clock: () => Date;
}

export function createObtainClientCredentials(deps: ObtainClientCredentialsDeps): ObtainClientCredentials {
  const { database, oauth, cipher, clock } = deps;
  return async (actor, connection) => {
    const requestedAt = clock();
    let outcome: TokenAnswer | ProviderFailure;
    try {
      outcome = await oauth.requestClientCredentials(openClient(cipher, connection), connection.settings.scopes);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      outcome = error;
    }
    await database.write(connection.organizationId, async (stores) => {
      const current = await stores.connections.lockForUse(connection.id);
      // Edited or deleted meanwhile: whoever did that asks for a token of their own, and this one is nobody's.
      if (current === undefined || current.configVersion !== connection.configVersion) return;
      if (outcome instanceof ProviderFailure) await storeFailure(deps, stores, actor, current, outcome);
      else await storeToken(deps, stores, actor, current, outcome, requestedAt);
    });
  };
}

async function storeToken(
  { storeGrant, clock }: ObtainClientCredentialsDeps,
  stores: TransactionStores,
  actor: Actor,
  connection: Connection,
  answer: TokenAnswer,
  requestedAt: Date,
): Promise<void> {
  const { flow, scopes, multiAccount } = connection.settings;
  const grantId = await storeGrant(stores.grants, {
    organizationId: connection.organizationId,
    slot: slotOf(connection),
    multiAccount,
    accountName: null,
    requestedScopes: scopes,
    testedAt: null,
    now: clock(),
    arrive: () => ({
      tokens: answer.tokens,
      facts: factsOf({
        answer,
        kept: answer.tokens,
        flow,
        exchangesAccessToken: false,
        refreshIdleDays: null,
        held: null,
        requestedScopes: scopes,
        requestedAt,
      }),
    }),
  });
  await stores.audit.append(eventOf(actor, clock(), { action: 'grant.connected', connection, grantId }));
}

async function storeFailure(
  { newId, clock }: ObtainClientCredentialsDeps,
  { grants, audit }: TransactionStores,
  actor: Actor,
  connection: Connection,
  failure: ProviderFailure,
): Promise<void> {
  const now = clock();
  const { failed, retryAt } = effectOfFailure(
    { failingSince: null, consecutiveFailures: 0 },
    failure.facts,
    false,
    now,
  );
  const held = await grants.lockSlot(slotOf(connection));
  const grantId = held?.id ?? newId();
  const reason = firstFailureReason(failed);
  await grants.putFailed(grantId, slotOf(connection), { reason, message: failure.message, retryAt, now });
  const details = { reason, class: failure.facts.class, error: failure.facts.oauthError };
  await audit.append(
    eventOf(actor, now, { action: 'grant.connected', connection, grantId, outcome: 'failure', details }),
  );
}

/** Nobody authorized anything here, so nobody can authorize again. */
function firstFailureReason(failed: StatusReason | null): StatusReason {
  return failed === null || failed === 'reauthorization_required' ? 'exchange_failed' : failed;
}

/** A client acts for itself: nobody's subject, no account. */
function slotOf({ id }: Connection) {
  return { connectionId: id, subject: null, accountId: null };
}
