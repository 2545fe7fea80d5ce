import { type Authorization, settled } from '../../domain/authorization.ts';
import type { AuthorizationLookup, AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { AuthorizationResponse, OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { ProviderNameOf } from '../provider-name.ts';
import type { StoreObtained } from '../store-obtained.ts';
import { unavailableOnError } from '../unavailable-on-error.ts';
import type { CallbackHit } from './callback-hit.ts';
import type { CallbackOutcome } from './callback-outcome.ts';
import type { HoldTokens } from './confirmation/hold-tokens.ts';
import { AuthorizationAborted } from './confirmation/refuse-other-account.ts';
import type { ConnectGrant, GrantBefore } from './connect-grant.ts';
import {
  type AuthorizationFailure,
  beforeExchange,
  type ObtainAuthorizedTokens,
  type ObtainedTokens,
} from './obtain-authorized-tokens.ts';
import type { ReachedOutcome } from './reached-outcome.ts';
import type { RecognizeCallback } from './recognize-callback.ts';
import { completedSettlement, failedSettlement, type RecordCallback } from './record-callback.ts';
import { refusal, refusedAuthorization } from './refusal.ts';
import { refusalByProvider, rejectedResponse } from './refused-response.ts';
import type { ViewOutcome } from './view-outcome.ts';

export type { CallbackHit } from './callback-hit.ts';

export type { CallbackOutcome } from './callback-outcome.ts';

export type CompleteAuthorization = (hit: CallbackHit) => Promise<CallbackOutcome>;

export interface CompleteAuthorizationDeps {
  recognizeCallback: RecognizeCallback;
  reachedOutcome: ReachedOutcome;
  obtainAuthorizedTokens: ObtainAuthorizedTokens;
  storeObtained: StoreObtained;
  connectGrant: ConnectGrant;
  holdTokens: HoldTokens;
  recordCallback: RecordCallback;
  viewOutcome: ViewOutcome;
  providerNameOf: ProviderNameOf;
  authorizations: Pick<AuthorizationLookup, 'consume' | 'find'>;
  database: Database;
  oauth: Pick<OAuthGateway, 'readCallback'>;
  clock: () => Date;
}

/**
 * Completes an authorization: recognised → consumed → exchanged → tested → stored. The state is consumed before
 * anything is sent, on success and on error. A failed authorization does not change an earlier grant.
 */
export function createCompleteAuthorization(deps: CompleteAuthorizationDeps): CompleteAuthorization {
  const { recognizeCallback, reachedOutcome, recordCallback, authorizations, providerNameOf, oauth, clock } = deps;
  return async (hit) => {
    const startedAt = clock();
    const recognized = await recognizeCallback(hit);
    if (recognized.kind === 'refused') {
      // States can be made up: an unknown one costs no row.
      if (recognized.found !== null) {
        await recordCallback.refused(hit, recognized.found, recognized.refusal.reason, startedAt);
      }
      return recognized.refusal;
    }
    if (recognized.kind === 'answered') return reachedOutcome(recognized.found, recognized.isLater);
    const { stateHash } = recognized.found.authorization;
    const found = await authorizations.consume(stateHash, recognized.by, startedAt);
    if (found === undefined) {
      // Another request was faster: the person clicked twice, or the authorization ended in between.
      const taken = await recognizeCallback(hit);
      if (taken.kind === 'answered') return reachedOutcome(taken.found, taken.isLater);
      const refused =
        taken.kind === 'refused'
          ? taken.refusal
          : refusal('link_used', { about: refusedAuthorization(recognized.found, providerNameOf) });
      await recordCallback.refused(hit, recognized.found, refused.reason, startedAt);
      return refused;
    }
    let response: AuthorizationResponse;
    try {
      response = oauth.readCallback(found.connection.settings, hit.parameters, recognized.state);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      // RFC 9207 §2.4: the response comes from another issuer. Nothing was sent to a provider.
      await recordCallback.failed(hit, found, rejectedResponse(error), startedAt);
      return refusal('response_rejected', { about: refusedAuthorization(found, providerNameOf) });
    }
    return settleAuthorization(deps, found, hit, recognized.state, response, startedAt);
  };
}

async function settleAuthorization(
  deps: CompleteAuthorizationDeps,
  found: AuthorizationWithConnection,
  hit: CallbackHit,
  state: string,
  response: AuthorizationResponse,
  startedAt: Date,
): Promise<CallbackOutcome> {
  // The code is spent, so the authorization fails whatever the error was. Recording it is best effort.
  const recordBrokerFailure = async () => {
    const failure = beforeExchange('broker_failed', 'The broker could not finish the authorization. Connect again.');
    await deps.recordCallback.failed(hit, found, failure, startedAt).catch(() => undefined);
  };
  const result = await attempt(deps, found, hit, state, response, startedAt, recordBrokerFailure).catch(
    async (error: unknown) => {
      await recordBrokerFailure();
      throw error;
    },
  );
  if (result === undefined)
    return refusal('still_completing', { about: refusedAuthorization(found, deps.providerNameOf) });
  if (result.kind === 'failed') {
    await unavailableOnError(() => deps.recordCallback.failed(hit, found, result, startedAt));
  }
  const authorization =
    result.kind === 'failed' ? settled(found.authorization, failedSettlement(result)) : result.authorization;
  const outcome = deps.viewOutcome({ ...found, authorization });
  if (outcome === undefined) throw new Error('a settled authorization has no outcome');
  return outcome;
}

/** The tokens are stored. `authorization` is as its row now is. */
type Stored = { kind: 'stored'; authorization: Authorization };

async function attempt(
  deps: CompleteAuthorizationDeps,
  found: AuthorizationWithConnection,
  hit: CallbackHit,
  state: string,
  response: AuthorizationResponse,
  startedAt: Date,
  onGivenUp: () => Promise<void>,
): Promise<Stored | AuthorizationFailure | undefined> {
  const { database, authorizations, obtainAuthorizedTokens, storeObtained } = deps;
  const { authorization, connection } = found;
  const { organizationId, subject } = authorization;
  if (response.kind === 'error') return refusalByProvider(response.error, hit.parameters);
  if (authorization.configVersion !== connection.configVersion) {
    return beforeExchange('connection_changed', 'The connection was changed while it was being authorized.');
  }
  const accountId = connection.settings.multiAccount ? authorization.accountId : null;
  const slot = { connectionId: connection.id, subject, accountId };
  const before = await database.read(organizationId).grants.findSlot(slot);
  const obtained = await obtainAuthorizedTokens(found, { state, parameters: hit.parameters });
  if (obtained.kind === 'failed') return obtained;
  let latest: Stored | undefined;
  const write = async (): Promise<Stored> => {
    // A commit that was cut off may have succeeded.
    const current = latest && (await authorizations.find(authorization.stateHash))?.authorization;
    if (latest && current?.status === latest.authorization.status) {
      // The row may hold the tokens of an earlier try than the latest one, with another confirmation code.
      return { kind: 'stored', authorization: current };
    }
    return database.write(organizationId, async (stores) => {
      latest = {
        kind: 'stored',
        authorization: await store(deps, stores, found, obtained, { hit, before, startedAt }),
      };
      return latest;
    });
  };
  try {
    return await storeObtained(write, { isRefusal: (error) => error instanceof AuthorizationAborted, onGivenUp });
  } catch (error) {
    if (!(error instanceof AuthorizationAborted)) throw error;
    const { details, message } = error;
    const { testResult } = obtained;
    return { kind: 'failed', details, message, error: null, errorDescription: null, exchangeSuccess: true, testResult };
  }
}

/** Makes the grant, or lets the tokens wait for the session that started the authorization. */
async function store(
  { holdTokens, connectGrant, recordCallback }: CompleteAuthorizationDeps,
  stores: TransactionStores,
  found: AuthorizationWithConnection,
  obtained: ObtainedTokens,
  { hit, before, startedAt }: { hit: CallbackHit; before: GrantBefore; startedAt: Date },
): Promise<Authorization> {
  const { authorization } = found;
  if (authorization.binding !== null) {
    const waiting = await holdTokens(stores, found, { obtained, before, address: hit.address });
    await recordCallback.held(stores, hit, found, obtained, startedAt);
    return waiting;
  }
  const connected = { ...obtained, ...(await connectGrant(stores, found, obtained, before, hit.address)) };
  await recordCallback.completed(stores, hit, found, connected, startedAt);
  return settled(authorization, completedSettlement(obtained.account, connected.details));
}
