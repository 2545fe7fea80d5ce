import type { Flow } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Credential, CredentialMatch, ServableGrant } from '../../domain/grants/credential.ts';
import { clockSkewMs } from '../../domain/grants/refresh-policy.ts';
import { missingScopes } from '../../domain/grants/scopes.ts';
import { decideServing, type Serving, servableMs } from '../../domain/grants/serving.ts';
import { nextActionToConnect } from '../../domain/next-action.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { refreshedTooOften } from '../refresh/on-demand-limit.ts';
import type { RefreshDemand } from '../refresh/refresh-demand.ts';
import type { RefreshEngine } from '../refresh/refresh-grant.ts';
import type { RefreshResult } from '../refresh/refresh-result.ts';
import { refreshIsOff } from '../refresh-is-off.ts';
import type { CredentialOfGrant } from './credential-of-grant.ts';
import {
  endOf,
  grantNotFound,
  notReady,
  refusal,
  retrySoonSeconds,
  secondsUntil,
  stateOf,
  unavailable,
} from './serving-refusal.ts';

export interface ServeCredentialDeps {
  /** False with REFRESH_MODE=off: only tokens that live are served. */
  callsTokenEndpoints: boolean;
  refreshGrant: RefreshEngine['refreshGrant'];
  isRefreshing: RefreshEngine['isRefreshing'];
  credentialOfGrant: CredentialOfGrant;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Longest time a reader waits for a refresh. The refresh itself continues. */
  patienceMs: number;
  scheduleRefreshAhead: (grant: ServableGrant) => void;
  /** Starts the refresh of second token sets that expire soon. */
  refreshSiblingsBehind: (grant: ServableGrant, flow: Flow) => void;
  /** Receives errors of refreshes that no reader waits for. */
  onBackgroundError: (error: unknown) => void;
}

type ResultOfGrant = Exclude<RefreshResult, { kind: 'gone' | 'limited' }>;

export interface ServeRequest {
  minTtlSeconds: number;
  requiredScopes: readonly string[];
}

/** Decision that ends in a token: the stored one, or the one that a refresh obtains. */
export type PlannedServing = Extract<Serving, { kind: 'serve' | 'refresh' }>;

export interface ServeCredential {
  /** Decides what `serve` does, without doing it. Throws each refusal that needs no refresh. */
  plan(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): PlannedServing;
  /** Returns the demand of a reader that the stored token does not satisfy. */
  demandOf(grant: ServableGrant, request: ServeRequest): RefreshDemand;
  /** Returns the grant to serve after a refresh that a reader waited for. Throws the refusal otherwise. */
  conclude(match: CredentialMatch, result: RefreshResult, request: ServeRequest): ServableGrant;
  /** Serves the grant's token if it satisfies the request, otherwise a refreshed one. */
  serve(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): Promise<Credential>;
  /** Refreshes although the grant's token may still live: the provider's API rejected it. */
  serveNewer(match: CredentialMatch, grant: ServableGrant): Promise<Credential>;
}

export function createServeCredential(deps: ServeCredentialDeps): ServeCredential {
  const { refreshGrant, isRefreshing, credentialOfGrant, clock, patienceMs, sleep } = deps;

  function respond(match: CredentialMatch, grant: ServableGrant): Credential {
    if (grant.sealedTokens === null) throw notReady(stateOf(grant), match.flow, clock());
    if (deps.callsTokenEndpoints) {
      deps.scheduleRefreshAhead(grant);
      if (grant.metadata?.siblings !== undefined) deps.refreshSiblingsBehind(grant, match.flow);
    }
    return credentialOfGrant(match, grant, grant.sealedTokens);
  }

  function decide(
    { flow, provider }: CredentialMatch,
    grant: ServableGrant,
    minTtlSeconds: number,
    mayCallProvider: boolean,
  ): Serving {
    const templateLifetimeSeconds = deps.catalogue.find(provider)?.expiry.defaultLifetimeSeconds ?? null;
    return decideServing(grant, flow, { minTtlSeconds, templateLifetimeSeconds, now: clock(), mayCallProvider });
  }

  async function refreshPatiently(grantId: string, demand: RefreshDemand): Promise<RefreshResult> {
    const patience = new AbortController();
    const tooLong = sleep(patienceMs, patience.signal).then(() => {
      throw unavailable(retrySoonSeconds, 'The provider has not answered yet.');
    });
    try {
      return await Promise.race([refreshGrant(grantId, demand), tooLong]);
    } finally {
      patience.abort();
      tooLong.catch(() => undefined);
    }
  }

  function demandOf(grant: ServableGrant, { minTtlSeconds }: ServeRequest): RefreshDemand {
    const wantedMs = minTtlSeconds * 1000 + clockSkewMs;
    return {
      isSatisfiedBy: (current) => servableMs(current, clock()) >= wantedMs,
      onDemand: false,
      seenVersion: grant.version,
    };
  }

  function conclude(match: CredentialMatch, refreshed: RefreshResult, request: ServeRequest): ServableGrant {
    const { minTtlSeconds } = request;
    const result = resultOfGrant(refreshed, match.flow);
    if (result.kind === 'unavailable') {
      if (minTtlSeconds === 0 && servableMs(result.grant, clock()) > 0) return result.grant;
      throw providerUnavailable(result, clock());
    }
    const serving = decide(match, result.grant, minTtlSeconds, false);
    if (serving.kind !== 'serve') throw refusal(serving, match.flow, clock());
    if (request.requiredScopes.length > 0) requireScopes(deps, match, result.grant, request.requiredScopes);
    return result.grant;
  }

  function plan(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): PlannedServing {
    if (request.requiredScopes.length > 0) requireScopes(deps, match, grant, request.requiredScopes);
    const serving = decide(match, grant, request.minTtlSeconds, deps.callsTokenEndpoints);
    if (!deps.callsTokenEndpoints && needsCall(serving)) throw refreshIsOff(grant);
    if (serving.kind !== 'serve' && serving.kind !== 'refresh') throw refusal(serving, match.flow, clock());
    return serving;
  }

  /** Starts a refresh unless one runs. The reader that starts it is served the present token. */
  function refreshBehind({ id, version }: ServableGrant): void {
    if (isRefreshing(id)) return;
    const isNewer = (current: ServableGrant) => current.version > version;
    const demand = { isSatisfiedBy: isNewer, onDemand: false, inBackground: true, seenVersion: version };
    refreshGrant(id, demand).catch(deps.onBackgroundError);
  }

  return {
    plan,
    demandOf,
    conclude,

    async serve(match, grant, request) {
      const serving = plan(match, grant, request);
      if (serving.kind === 'refresh') {
        const result = await refreshPatiently(grant.id, demandOf(grant, request));
        return respond(match, conclude(match, result, request));
      }
      if (serving.refreshBehind) refreshBehind(grant);
      return respond(match, grant);
    },

    async serveNewer(match, grant) {
      const refreshed = await refreshPatiently(grant.id, {
        isSatisfiedBy: (current) => current.version > grant.version,
        onDemand: true,
        seenVersion: grant.version,
      });
      const result = resultOfGrant(refreshed, match.flow);
      if (result.kind === 'unavailable') throw providerUnavailable(result, clock());
      if (result.kind === 'failed') throw notReady(endOf(result.grant), match.flow, clock());
      return respond(match, result.grant);
    },
  };
}

/** Throws for a grant that is gone, or that was refreshed on demand too often. */
function resultOfGrant(result: RefreshResult, flow: Flow): ResultOfGrant {
  if (result.kind === 'gone') throw grantNotFound('The grant was deleted meanwhile.', flow);
  if (result.kind === 'limited') throw refreshedTooOften(result.retryAfterMs);
  return result;
}

function providerUnavailable({ retryAt, grant }: Extract<RefreshResult, { kind: 'unavailable' }>, now: Date) {
  return unavailable(secondsUntil(retryAt, now), grant.statusMessage ?? 'The provider does not answer.');
}

/** Checks whether a decision leads to a provider call. A failed grant with a retry date would be refreshed then. */
export function needsCall(serving: Serving): boolean {
  return serving.kind === 'refresh' || (serving.kind === 'not_ready' && serving.retryAt !== null);
}

function requireScopes(
  { catalogue }: Pick<ServeCredentialDeps, 'catalogue'>,
  { flow, provider }: CredentialMatch,
  grant: ServableGrant,
  required: readonly string[],
): void {
  if (grant.metadata === null) return;
  const missing = missingScopes(required, grant.metadata.scopes, catalogue.find(provider));
  if (missing.length > 0) {
    throw BrokerError.with('insufficient_scope', `The grant lacks ${missing.join(', ')}.`, {
      missing_scopes: missing,
      next_action: nextActionToConnect(flow),
    });
  }
}
