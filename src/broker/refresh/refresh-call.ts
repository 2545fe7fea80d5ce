import { type Grant, renewedGrant } from '../../domain/grants/grant.ts';
import { type WithMetadata, withSiblings } from '../../domain/grants/siblings.ts';
import { tokenMetadata } from '../../domain/grants/token-metadata.ts';
import { mergeRefreshed, type RefreshResponse, type TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { LeasedGrant, RefreshFailure, RefreshStore } from '../../domain/ports/engine.ts';
import type { CallPriority, OAuthClient, OAuthGateway, ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { GrantBase } from '../../domain/ports/spool.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { ObserveClient } from '../observe-client.ts';
import { openClient } from '../sealing.ts';
import { unavailableOnError } from '../unavailable-on-error.ts';
import type { PersistRefreshed } from './persist-refreshed.ts';
import type { FingerprintTokens } from './rebase-refreshed.ts';
import { recordFailure } from './record-failure.ts';
import { refreshEvent } from './refresh-event.ts';
import { type RefreshResult, resultOfMovedRow, resultWithoutSuccess } from './refresh-result.ts';
import { releaseOnError } from './release-on-error.ts';
import type { TokenPart } from './token-part.ts';

/** Calls the provider once for a grant whose lease the caller holds, and stores the result. */
export type CallProvider = (leased: LeasedGrant, owner: string, priority: CallPriority) => Promise<RefreshResult>;

export interface CallProviderDeps {
  store: Pick<RefreshStore, 'find' | 'fail' | 'countClientRefusal' | 'release'>;
  persist: PersistRefreshed['persist'];
  oauth: Pick<OAuthGateway, 'refresh' | 'requestClientCredentials'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  cipher: Cipher;
  /** The token set that is refreshed. */
  part: TokenPart;
  fingerprint: FingerprintTokens;
  observeClient: ObserveClient;
  onRefreshFailure: (failure: RefreshFailure) => void;
  clock: () => Date;
}

export function createCallProvider(deps: CallProviderDeps): CallProvider {
  return async (leased, owner, priority) => {
    const requestedAt = deps.clock();
    const { grant, connection } = leased;
    const { held, opened } = await releaseOnError(deps.store, leased, owner, () => ({
      held: grant.sealedTokens === null ? null : deps.part.open(grant, grant.sealedTokens),
      opened: openClient(deps.cipher, connection, grant.organizationId),
    }));
    const { client, record: recordSecret } = deps.observeClient(connection, opened);
    let response: RefreshResponse;
    try {
      response = await request(deps, leased, client, held, priority);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const record = () => unavailableOnError(() => recordFailure(deps, leased, owner, error));
      return error.facts.sent ? record() : releaseOnError(deps.store, leased, owner, record);
    }
    const result = await unavailableOnError(() => storeResponse(deps, leased, owner, held, response, requestedAt));
    await recordSecret();
    return result;
  };
}

async function request(
  { oauth, part: { sibling } }: CallProviderDeps,
  { grant, connection: { settings } }: LeasedGrant,
  client: OAuthClient,
  held: TokenSet | null,
  priority: CallPriority,
): Promise<RefreshResponse> {
  if (settings.flow === 'client_credentials' || held === null) {
    return oauth.requestClientCredentials(client, settings.scopes, priority);
  }
  return oauth.refresh(client, held, grant.metadata?.scopes ?? grant.requestedScopes, priority, sibling);
}

async function storeResponse(
  deps: CallProviderDeps,
  leased: LeasedGrant,
  owner: string,
  held: TokenSet | null,
  response: RefreshResponse,
  requestedAt: Date,
): Promise<RefreshResult> {
  const { grant } = leased;
  const { part } = deps;
  const fresh = mergedResponse(deps, leased, held, response, requestedAt);
  const tokens = { sealed: part.seal(grant, fresh.tokens), metadata: fresh.metadata };
  const bringsAccessToken = response.tokens.accessToken !== null;
  const details = {
    ...(grant.status === 'failed' && bringsAccessToken && { recovered: true }),
    ...(!bringsAccessToken && refreshTokenOnly),
  };
  const event = refreshEvent(leased, deps.clock(), 'success', details, part.sibling);
  const hasSeveral = part.sibling !== undefined || held?.siblings !== undefined;
  const persisted = await deps.persist({
    base: baseOf(grant),
    owner,
    tokens,
    event,
    ...(part.sibling !== undefined && { sibling: part.sibling }),
    ...(hasSeveral && held !== null && { replaces: deps.fingerprint(held) }),
  });
  if (persisted === 'moved' || persisted === 'rebased') return resultOfMovedRow(deps.store, leased);
  // The row is not read again: its content is known, and a spooled token set is not in the row yet.
  const renewed = renewedGrant(grant, tokens, event.time);
  if (bringsAccessToken) return { kind: 'fresh', grant: renewed };
  if (persisted === 'spooled') return resultWithoutSuccess(renewed, event.time);
  // Recorded after the save, which cleared the earlier failures: without their history the pauses would never grow and
  // the grant would never fail.
  const { consecutiveFailures, failingSince, lastError } = grant;
  const failed = { ...leased, grant: { ...renewed, consecutiveFailures, failingSince, lastError }, interrupted: false };
  return recordFailure(deps, failed, owner, noAccessToken(), { consecutiveFailures, failingSince });
}

/** Merges a response into the token set and the metadata that are stored. */
function mergedResponse(
  { catalogue, part }: CallProviderDeps,
  { grant, connection: { settings } }: LeasedGrant,
  held: TokenSet | null,
  response: RefreshResponse,
  requestedAt: Date,
): WithMetadata {
  const template = catalogue.find(settings.provider);
  const tokens = mergeRefreshed(held, response.tokens);
  const refreshIdleDays = template?.refreshToken.idleDays ?? null;
  const metadata = tokenMetadata({
    response,
    kept: tokens,
    flow: settings.flow,
    exchangesAccessToken: template?.refresh.strategy === 'exchange_access_token',
    refreshIdleDays,
    countsFromConsent: template?.refreshToken.lifetimeCounts === 'from_consent',
    held: grant.metadata,
    requestedScopes: grant.requestedScopes,
    ...(template && { scopeNames: template }),
    requestedAt,
  });
  if (part.sibling !== undefined) return { tokens, metadata };
  const siblings = grant.metadata?.siblings;
  const whole = { tokens, metadata: { ...metadata, ...(siblings && { siblings }) } };
  return withSiblings(whole, { responses: response.siblings, requestedAt, refreshIdleDays });
}

/** Details of the audit event of a response that brought a refresh token alone. */
const refreshTokenOnly = { stored: 'refresh_token' };

/** Failure of a refresh that rotated the refresh token and brought no access token. The next try sends the new one. */
function noAccessToken(): ProviderFailure {
  const message = 'The provider sent a new refresh token without an access token.';
  return new ProviderFailure(message, {
    class: 'transient',
    sent: true,
    answered: true,
    oauthError: null,
    description: message,
    httpStatus: null,
    retryAfterMs: null,
  });
}

function baseOf({ id, connectionId, organizationId, version }: Grant): GrantBase {
  return { id, connectionId, organizationId, version };
}
