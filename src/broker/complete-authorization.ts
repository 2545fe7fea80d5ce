import type { OrganizationId } from '../domain/connection.ts';
import type { StatusReason } from '../domain/grant.ts';
import type { TripStore, TripWithConnection } from '../domain/ports/callers.ts';
import type { CallbackAnswer, OAuthGateway } from '../domain/ports/oauth.ts';
import type { Database } from '../domain/ports/stores.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { ProviderAccount } from '../domain/token-set.ts';
import type { CallbackHit } from './callback-hit.ts';
import { type ConnectGrant, TripAbandoned } from './connect-grant.ts';
import type { ObtainAuthorizedTokens, ObtainedTokens, TripFailure } from './obtain-authorized-tokens.ts';
import type { RecognizeCallback } from './recognize-callback.ts';
import type { RecordCallback } from './record-callback.ts';

export type { CallbackHit } from './callback-hit.ts';

export type CallbackOutcome =
  /** Nothing happened: bad state, foreign browser, replay, wrong iss, wrong path, another environment. */
  | { kind: 'refused'; message: string }
  | {
      kind: 'settled';
      status: 'completed' | 'failed';
      statusReason: StatusReason | null;
      message: string;
      connectionName: string;
      organizationId: OrganizationId;
      provider: string;
      subject: string | null;
      account: ProviderAccount | null;
      /** Exactly as allowed and stored at the start. */
      returnUrl: string | null;
    };

export type CompleteAuthorization = (hit: CallbackHit) => Promise<CallbackOutcome>;

export interface CompleteAuthorizationDeps {
  recognizeCallback: RecognizeCallback;
  obtainAuthorizedTokens: ObtainAuthorizedTokens;
  connectGrant: ConnectGrant;
  recordCallback: RecordCallback;
  trips: Pick<TripStore, 'consume'>;
  database: Database;
  oauth: Pick<OAuthGateway, 'readCallback'>;
  clock: () => Date;
}

/**
 * Ends a trip: recognised → consumed → exchanged → tested → stored. The state is consumed before anything is sent, on
 * success and on error alike; a trip that fails leaves an earlier grant as it was.
 */
export function createCompleteAuthorization(deps: CompleteAuthorizationDeps): CompleteAuthorization {
  const { recognizeCallback, recordCallback, trips, oauth, clock } = deps;
  return async (hit) => {
    const startedAt = clock();
    const recognized = await recognizeCallback(hit);
    if (recognized.kind === 'refused') {
      await recordCallback.refused(hit, recognized.trip, startedAt);
      return { kind: 'refused', message: recognized.message };
    }
    const { stateHash } = recognized.trip.authorization;
    const trip = await trips.consume(stateHash, recognized.browserHash, startedAt);
    if (trip === undefined) {
      await recordCallback.refused(hit, recognized.trip, startedAt);
      return { kind: 'refused', message: 'This connection attempt has already been answered.' };
    }
    let answer: CallbackAnswer;
    try {
      answer = oauth.readCallback(trip.connection.settings, hit.parameters, recognized.state);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      // RFC 9207 §2.4: an answer from another issuer than the one asked. Nothing was sent anywhere.
      await recordCallback.failed(hit, trip, beforeExchange('exchange_failed', error.message), startedAt);
      return { kind: 'refused', message: error.message };
    }
    return settleTrip(deps, trip, hit, recognized.state, answer, startedAt);
  };
}

async function settleTrip(
  deps: CompleteAuthorizationDeps,
  trip: TripWithConnection,
  hit: CallbackHit,
  state: string,
  answer: CallbackAnswer,
  startedAt: Date,
): Promise<CallbackOutcome> {
  const result = await attempt(deps, trip, hit, state, answer, startedAt).catch(async (error: unknown) => {
    // The code is spent, so this trip is over whatever broke; whoever waits is told if the database still listens.
    const failure = beforeExchange('exchange_failed', 'The broker could not finish the authorization. Connect again.');
    await deps.recordCallback.failed(hit, trip, failure, startedAt).catch(() => undefined);
    throw error;
  });
  if (result.kind === 'failed') await deps.recordCallback.failed(hit, trip, result, startedAt);
  const { authorization, connection } = trip;
  return {
    kind: 'settled',
    status: result.kind === 'failed' ? 'failed' : 'completed',
    statusReason: result.kind === 'failed' ? result.reason : null,
    message: result.kind === 'failed' ? result.message : 'The connection is ready.',
    connectionName: connection.name,
    organizationId: authorization.organizationId,
    provider: connection.settings.provider,
    subject: authorization.subject,
    account: result.kind === 'failed' ? null : result.account,
    returnUrl: authorization.returnUrl,
  };
}

async function attempt(
  { database, obtainAuthorizedTokens, connectGrant, recordCallback }: CompleteAuthorizationDeps,
  trip: TripWithConnection,
  hit: CallbackHit,
  state: string,
  answer: CallbackAnswer,
  startedAt: Date,
): Promise<ObtainedTokens | TripFailure> {
  const { authorization, connection } = trip;
  const { organizationId, subject } = authorization;
  if (answer.kind === 'error') return refusalByProvider(answer.error);
  if (authorization.configVersion !== connection.configVersion) {
    return beforeExchange('configuration_changed', 'The connection was changed while it was being authorized.');
  }
  const accountId = connection.settings.multiAccount ? authorization.accountId : null;
  const slot = { connectionId: connection.id, subject, accountId };
  const before = await database.read(organizationId).grants.findSlot(slot);
  const obtained = await obtainAuthorizedTokens(trip, { state, parameters: hit.parameters });
  if (obtained.kind === 'failed') return obtained;
  try {
    await database.write(organizationId, async (stores) => {
      const grantId = await connectGrant(stores, trip, obtained, before);
      await recordCallback.completed(stores, hit, trip, { ...obtained, grantId }, startedAt);
    });
    return obtained;
  } catch (error) {
    if (!(error instanceof TripAbandoned)) throw error;
    const { reason, message } = error;
    return { kind: 'failed', reason, message, exchangeSuccess: true, testResult: obtained.testResult };
  }
}

function refusalByProvider(error: string): TripFailure {
  if (error === 'access_denied') return beforeExchange('user_denied', 'The access was not granted at the provider.');
  const code = /^[\w.-]{1,64}$/.test(error) ? error : 'an unknown error';
  return beforeExchange('exchange_failed', `The provider ended the authorization with ${code}.`);
}

function beforeExchange(reason: StatusReason, message: string): TripFailure {
  return { kind: 'failed', reason, message, exchangeSuccess: null, testResult: null };
}
