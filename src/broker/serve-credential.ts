import type { Credential, CredentialMatch, ServableGrant } from '../domain/credential.ts';
import { BrokerError } from '../domain/errors.ts';
import { clockSkewMs, isExpired, remainingMs } from '../domain/refresh-policy.ts';
import { missingScopes } from '../domain/scopes.ts';
import { decideServing } from '../domain/serving.ts';
import { forcedTooOften } from './force-limit.ts';
import type { RefreshEngine } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';
import type { RefreshDemand } from './refresh-under-lease.ts';
import type { CredentialOf } from './served-credential.ts';
import { endOf, notReady, refusal, retrySoonSeconds, secondsUntil, unavailable } from './serving-refusal.ts';

export interface ServeCredentialDeps {
  refreshGrant: RefreshEngine['refreshGrant'];
  isRefreshing: RefreshEngine['isRefreshing'];
  credentialOf: CredentialOf;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How long a reader waits for a refresh; the refresh itself runs on. */
  patienceMs: number;
  /** Told of each grant whose token is handed out. */
  noteUse?: (grant: ServableGrant) => void;
  /** A refresh behind an answer failed in a way nobody awaits. */
  onBackgroundError: (error: unknown) => void;
}

type ResultOfGrant = Exclude<RefreshResult, { kind: 'gone' | 'limited' }>;

export interface ServeRequest {
  minTtlSeconds: number;
  requiredScopes: readonly string[];
}

export interface ServeCredential {
  /** The grant's token, at once, if it will do; else a refreshed one. */
  serve(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): Credential | Promise<Credential>;
  /** A token newer than the grant's version, whatever is left of the one it holds. */
  serveNewer(match: CredentialMatch, grant: ServableGrant): Promise<Credential>;
}

export function createServeCredential(deps: ServeCredentialDeps): ServeCredential {
  const { refreshGrant, isRefreshing, credentialOf, clock, patienceMs, sleep } = deps;

  function answer(match: CredentialMatch, grant: ServableGrant): Credential {
    if (grant.sealedTokens === null)
      throw notReady({
        kind: 'not_ready',
        status: grant.status,
        reason: grant.statusReason,
        message: grant.statusMessage,
      });
    deps.noteUse?.(grant);
    return credentialOf(match, grant, grant.sealedTokens);
  }

  async function refreshPatiently(grantId: string, demand: RefreshDemand): Promise<ResultOfGrant> {
    const patience = new AbortController();
    const tooLong = sleep(patienceMs, patience.signal).then(() => {
      throw unavailable(retrySoonSeconds, 'The provider has not answered yet.');
    });
    try {
      const result = await Promise.race([refreshGrant(grantId, demand), tooLong]);
      if (result.kind === 'gone') throw BrokerError.of('grant_not_found', 'The grant was deleted meanwhile.');
      if (result.kind === 'limited') throw forcedTooOften(result.retryAfterMs);
      return result;
    } finally {
      patience.abort();
      tooLong.catch(() => undefined);
    }
  }

  async function obtain(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): Promise<Credential> {
    const { minTtlSeconds } = request;
    const wantedMs = minTtlSeconds * 1000 + clockSkewMs;
    const result = await refreshPatiently(grant.id, {
      isSatisfiedBy: (current) =>
        current.sealedTokens !== null && current.facts !== null && remainingMs(current.facts, clock()) >= wantedMs,
      force: false,
      seenVersion: grant.version,
    });
    if (result.kind === 'unavailable') {
      const { facts, sealedTokens } = result.grant;
      if (minTtlSeconds === 0 && sealedTokens !== null && facts !== null && !isExpired(facts, clock()))
        return answer(match, result.grant);
      throw unavailable(
        secondsUntil(result.retryAt, clock()),
        result.grant.statusMessage ?? 'The provider does not answer.',
      );
    }
    const serving = decideServing(result.grant, match.flow, { minTtlSeconds, now: clock(), mayAsk: false });
    if (serving.kind !== 'serve') throw refusal(serving, clock());
    requireScopes(result.grant, request.requiredScopes);
    return answer(match, result.grant);
  }

  // Of many readers inside the margin one starts it, and none of them waits for it: not even as a promise that is kept.
  function refreshBehind({ id, version }: ServableGrant): void {
    if (isRefreshing(id)) return;
    const isNewer = (current: ServableGrant) => current.version > version;
    const demand = { isSatisfiedBy: isNewer, force: false, inBackground: true, seenVersion: version };
    refreshGrant(id, demand).catch(deps.onBackgroundError);
  }

  return {
    serve(match, grant, request) {
      requireScopes(grant, request.requiredScopes);
      const serving = decideServing(grant, match.flow, {
        minTtlSeconds: request.minTtlSeconds,
        now: clock(),
        mayAsk: true,
      });
      if (serving.kind === 'refresh') return obtain(match, grant, request);
      if (serving.kind !== 'serve') throw refusal(serving, clock());
      if (serving.refreshBehind) refreshBehind(grant);
      return answer(match, grant);
    },

    async serveNewer(match, grant) {
      const result = await refreshPatiently(grant.id, {
        isSatisfiedBy: (current) => current.version > grant.version,
        force: true,
        seenVersion: grant.version,
      });
      if (result.kind === 'unavailable') {
        throw unavailable(
          secondsUntil(result.retryAt, clock()),
          result.grant.statusMessage ?? 'The provider does not answer.',
        );
      }
      if (result.kind === 'failed') throw notReady(endOf(result.grant));
      return answer(match, result.grant);
    },
  };
}

function requireScopes(grant: ServableGrant, required: readonly string[]): void {
  if (required.length === 0 || grant.facts === null) return;
  const missing = missingScopes(required, grant.facts.scopes);
  if (missing.length > 0) {
    throw BrokerError.with('insufficient_scope', `The grant lacks ${missing.join(', ')}.`, { missing_scopes: missing });
  }
}
