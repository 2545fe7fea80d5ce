import type { Credential, CredentialMatch, ServableGrant } from '../domain/credential.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import { clockSkewMs, isExpired, remainingMs } from '../domain/refresh-policy.ts';
import { missingScopes } from '../domain/scopes.ts';
import { decideServing, type Serving } from '../domain/serving.ts';
import type { RefreshDemand, RefreshGrant } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';
import { openTokens } from './sealing.ts';

export interface ServeCredentialDeps {
  refreshGrant: RefreshGrant;
  cipher: Cipher;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How long a reader waits for a refresh; the refresh itself runs on. */
  patienceMs: number;
  /** Told of each grant whose token is handed out. */
  noteUse?: (grant: ServableGrant) => void;
  /** A refresh behind an answer failed in a way nobody awaits. */
  onBackgroundError: (error: unknown) => void;
}

export interface ServeRequest {
  minTtlSeconds: number;
  requiredScopes: readonly string[];
}

export interface ServeCredential {
  /** The grant's token if it will do, else a refreshed one. */
  serve(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): Promise<Credential>;
  /** A token newer than the grant's version, whatever is left of the one it holds. */
  serveNewer(match: CredentialMatch, grant: ServableGrant): Promise<Credential>;
}

const retrySoonSeconds = 5;

export function createServeCredential(deps: ServeCredentialDeps): ServeCredential {
  const { refreshGrant, cipher, clock, patienceMs, sleep } = deps;

  function answer(match: CredentialMatch, grant: ServableGrant): Credential {
    if (grant.sealedTokens === null)
      throw notReady({
        kind: 'not_ready',
        status: grant.status,
        reason: grant.statusReason,
        message: grant.statusMessage,
      });
    deps.noteUse?.(grant);
    return toCredential(match, grant, openTokens(cipher, grant, grant.sealedTokens));
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

  async function obtain(match: CredentialMatch, grant: ServableGrant, request: ServeRequest): Promise<Credential> {
    const { minTtlSeconds } = request;
    const wantedMs = minTtlSeconds * 1000 + clockSkewMs;
    const result = await refreshPatiently(grant.id, {
      isSatisfiedBy: (current) =>
        current.sealedTokens !== null && current.facts !== null && remainingMs(current.facts, clock()) >= wantedMs,
      force: false,
    });
    if (result.kind === 'gone') throw BrokerError.of('grant_not_found', 'The grant was deleted meanwhile.');
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

  return {
    async serve(match, grant, request) {
      requireScopes(grant, request.requiredScopes);
      const serving = decideServing(grant, match.flow, {
        minTtlSeconds: request.minTtlSeconds,
        now: clock(),
        mayAsk: true,
      });
      if (serving.kind === 'refresh') return obtain(match, grant, request);
      if (serving.kind !== 'serve') throw refusal(serving, clock());
      if (serving.refreshBehind) {
        refreshGrant(grant.id, { isSatisfiedBy: (current) => current.version > grant.version, force: false }).catch(
          deps.onBackgroundError,
        );
      }
      return answer(match, grant);
    },

    async serveNewer(match, grant) {
      const result = await refreshPatiently(grant.id, {
        isSatisfiedBy: (current) => current.version > grant.version,
        force: true,
      });
      if (result.kind === 'gone') throw BrokerError.of('grant_not_found', 'The grant was deleted meanwhile.');
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

/** Of a grant whose token was reported as rejected: as good as expired, whatever its dates say. */
function endOf({ status, statusReason, statusMessage }: ServableGrant): Extract<Serving, { kind: 'not_ready' }> {
  if (status !== 'completed') return { kind: 'not_ready', status, reason: statusReason, message: statusMessage };
  const message = 'The access token was rejected and there is nothing to refresh it with.';
  return { kind: 'not_ready', status: 'failed', reason: 'token_expired', message };
}

function requireScopes(grant: ServableGrant, required: readonly string[]): void {
  if (required.length === 0 || grant.facts === null) return;
  const missing = missingScopes(required, grant.facts.scopes);
  if (missing.length > 0) {
    throw BrokerError.with('insufficient_scope', `The grant lacks ${missing.join(', ')}.`, { missing_scopes: missing });
  }
}

function refusal(serving: Exclude<Serving, { kind: 'serve' }>, now: Date): BrokerError {
  switch (serving.kind) {
    case 'refresh':
      return unavailable(retrySoonSeconds, 'The token could not be refreshed yet.');
    case 'too_early':
      return unavailable(
        secondsUntil(serving.retryAt, now),
        'The provider did not answer a moment ago and is not asked again yet.',
      );
    case 'unsatisfiable':
      return BrokerError.with(
        'min_ttl_unsatisfiable',
        'No access token of this grant can be promised to live that long.',
        { lifetime: serving.lifetimeSeconds },
      );
    case 'not_ready':
      return notReady(serving);
  }
}

function notReady({ status, reason, message }: Extract<Serving, { kind: 'not_ready' }>): BrokerError {
  return BrokerError.with('connection_not_ready', message ?? 'The connection has no usable token.', {
    connection_status: status,
    status_reason: reason,
    status_message: message,
  });
}

function unavailable(retryAfterSeconds: number, message: string): BrokerError {
  return BrokerError.with('provider_unavailable', message, { retry_after: retryAfterSeconds });
}

function secondsUntil(date: Date, now: Date): number {
  return Math.max(1, Math.ceil((date.getTime() - now.getTime()) / 1000));
}

function toCredential(match: CredentialMatch, grant: ServableGrant, tokens: ReturnType<typeof openTokens>): Credential {
  return {
    connectionName: match.connectionName,
    organizationId: match.organizationId,
    grantOrganizationId: grant.organizationId,
    subject: grant.subject,
    accountId: grant.accountId,
    accessToken: tokens.accessToken.reveal(),
    tokenType: tokens.tokenType,
    expiresAt: grant.facts?.expiresAt ?? null,
    scopes: grant.facts?.scopes ?? [],
    status: grant.status,
    statusReason: grant.statusReason,
    extra: tokens.extra,
  };
}
