import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { clientPauseRule } from '../../domain/grants/client-pause.ts';
import { lastErrorOf, noFailures } from '../../domain/grants/failure-history.ts';
import { effectOfFailure } from '../../domain/grants/failure-policy.ts';
import type { StatusReason } from '../../domain/grants/grant.ts';
import { tokenMetadata } from '../../domain/grants/token-metadata.ts';
import type { TokenResponse } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { RefreshFailure, RefreshStore } from '../../domain/ports/engine.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { eventOf } from '../audit-event.ts';
import { failureDetails } from '../failure-details.ts';
import type { StoreGrant } from '../grants/store-grant.ts';
import type { ObserveClient } from '../observe-client.ts';
import { openClient } from '../sealing.ts';
import { unavailableOnError } from '../unavailable-on-error.ts';

/**
 * Obtains the token of a client_credentials connection under its current configuration, for its owner. A refusal by the
 * provider is stored as a failed grant, not thrown. It is recorded and reported as a failed refresh is.
 */
export type ObtainClientCredentials = (actor: Actor, connection: Connection) => Promise<void>;

export interface ObtainClientCredentialsDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'requestClientCredentials'>;
  cipher: Cipher;
  observeClient: ObserveClient;
  storeGrant: StoreGrant;
  refusals: Pick<RefreshStore, 'countClientRefusal'>;
  /** Receives the failure of a call that was made, once it is stored. */
  onRefreshFailure: (failure: RefreshFailure) => void;
  newId: NewId;
  clock: () => Date;
}

export function createObtainClientCredentials(deps: ObtainClientCredentialsDeps): ObtainClientCredentials {
  const { database, oauth, cipher, observeClient, clock } = deps;
  return async (actor, connection) => {
    const requestedAt = clock();
    const { client, record: recordSecret } = observeClient(connection, openClient(cipher, connection));
    let outcome: TokenResponse | ProviderFailure;
    try {
      outcome = await oauth.requestClientCredentials(client, connection.settings.scopes);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      outcome = error;
    }
    const failure = await unavailableOnError(() =>
      database.write(connection.organizationId, async (stores) => {
        const current = await stores.connections.lockForUse(connection.id);
        // The connection was edited or deleted meanwhile. An edit obtains its own token, so this one is discarded.
        if (current === undefined || current.configVersion !== connection.configVersion) return undefined;
        if (outcome instanceof ProviderFailure) return storeFailure(deps, stores, actor, current, outcome);
        await storeToken(deps, stores, actor, current, outcome, requestedAt);
        return undefined;
      }),
    );
    await recordSecret();
    if (failure !== undefined) await report(deps, connection, failure);
  };
}

async function storeToken(
  { storeGrant, clock }: ObtainClientCredentialsDeps,
  stores: TransactionStores,
  actor: Actor,
  connection: Connection,
  response: TokenResponse,
  requestedAt: Date,
): Promise<void> {
  const { flow, scopes, multiAccount } = connection.settings;
  const grantId = await storeGrant(stores, {
    organizationId: connection.organizationId,
    consent: {
      connectionName: connection.name,
      how: 'client_credentials',
      actor: actor.caller.id,
      address: actor.trace.address,
    },
    slot: slotOf(connection),
    multiAccount,
    accountName: null,
    accountVerified: false,
    requestedScopes: scopes,
    testedAt: null,
    now: clock(),
    arrive: () => ({
      tokens: response.tokens,
      // A writer without the secret must not have a new token sent to a host of their own.
      origins: connection.secretOrigins,
      metadata: tokenMetadata({
        response,
        kept: response.tokens,
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
): Promise<RefreshFailure | undefined> {
  const now = clock();
  const { failed, retryAt } = effectOfFailure(noFailures, failure.facts, false, now);
  const held = await grants.lockSlot(slotOf(connection));
  const error = lastErrorOf(held ?? noFailures, failure, now);
  const grantId = held?.id ?? newId();
  const reason = firstFailureReason(failed);
  await grants.putFailed(grantId, slotOf(connection), {
    reason,
    message: failure.message,
    error,
    retryAt,
    origins: connection.secretOrigins,
    now,
  });
  const details = { ...failureDetails(failure, error?.attempts ?? null), reason };
  await audit.append(
    eventOf(actor, now, { action: 'grant.refresh_failed', connection, grantId, outcome: 'failure', details }),
  );
  if (error === null) return undefined;
  const grant = { id: grantId, organizationId: connection.organizationId, subject: null };
  return { grant, connectionName: connection.name, error, failed: reason, retryAt };
}

/** Reports a stored failure, after its commit. A refusal of the client is counted for the connection. */
async function report(
  { refusals, onRefreshFailure }: ObtainClientCredentialsDeps,
  { id: connectionId }: Connection,
  failure: RefreshFailure,
): Promise<void> {
  onRefreshFailure(failure);
  if (failure.error.class !== 'client') return;
  await refusals.countClientRefusal({ id: failure.grant.id, connectionId }, clientPauseRule);
}

/** Maps the reason of a first failure: without a person, reauthorization_required has no remedy. */
function firstFailureReason(failed: StatusReason | null): StatusReason {
  return failed === null || failed === 'reauthorization_required' ? 'exchange_failed' : failed;
}

/** Returns the slot without subject and account: the client acts for itself. */
function slotOf({ id }: Connection) {
  return { connectionId: id, subject: null, accountId: null };
}
