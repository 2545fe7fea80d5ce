import type { AuditEvent } from '../domain/audit.ts';
import type { Connection } from '../domain/connection.ts';
import { type Grant, renewedGrant } from '../domain/grant.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { LeasedGrant, RefreshStore } from '../domain/ports/engine.ts';
import type { CallOrder, OAuthClient, OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { GrantBase } from '../domain/ports/spool.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import { effectOfFailure } from '../domain/refresh-policy.ts';
import { factsOf } from '../domain/token-facts.ts';
import { mergeRefreshed, type TokenAnswer, type TokenSet } from '../domain/token-set.ts';
import type { PersistRefreshed } from './persist-refreshed.ts';
import type { RefreshResult } from './refresh-result.ts';
import { openClient, openTokens, sealTokens } from './sealing.ts';

/** One provider call for a grant whose lease the caller holds, and the storing of whatever comes of it. */
export type CallProvider = (leased: LeasedGrant, owner: string, order: CallOrder) => Promise<RefreshResult>;

export interface CallProviderDeps {
  store: Pick<RefreshStore, 'find' | 'fail' | 'failAllOf' | 'release'>;
  persist: PersistRefreshed['persist'];
  oauth: Pick<OAuthGateway, 'refresh' | 'requestClientCredentials'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  cipher: Cipher;
  clock: () => Date;
}

const soonMs = 5_000;

export function createCallProvider(deps: CallProviderDeps): CallProvider {
  const clientOf = createClientOf(deps);
  return async (leased, owner, order) => {
    const requestedAt = deps.clock();
    const held =
      leased.grant.sealedTokens === null ? null : openTokens(deps.cipher, leased.grant, leased.grant.sealedTokens);
    let answer: TokenAnswer;
    try {
      answer = await request(deps.oauth, leased, clientOf(leased.connection), held, order);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      return recordFailure(deps, leased, owner, error);
    }
    return keep(deps, leased, owner, held, answer, requestedAt);
  };
}

/** Grants that were read together share their connection: its secrets are opened once for them, and go when it goes. */
function createClientOf({ cipher }: Pick<CallProviderDeps, 'cipher'>): (connection: Connection) => OAuthClient {
  const opened = new WeakMap<Connection, OAuthClient>();
  return (connection) => {
    const client = opened.get(connection) ?? openClient(cipher, connection);
    opened.set(connection, client);
    return client;
  };
}

async function request(
  oauth: CallProviderDeps['oauth'],
  { grant, connection: { settings } }: LeasedGrant,
  client: OAuthClient,
  held: TokenSet | null,
  order: CallOrder,
): Promise<TokenAnswer> {
  if (settings.flow === 'client_credentials' || held === null) {
    return oauth.requestClientCredentials(client, settings.scopes, order);
  }
  return oauth.refresh(client, held, grant.facts?.scopes ?? grant.requestedScopes, order);
}

async function keep(
  deps: CallProviderDeps,
  leased: LeasedGrant,
  owner: string,
  held: TokenSet | null,
  answer: TokenAnswer,
  requestedAt: Date,
): Promise<RefreshResult> {
  const { grant, connection } = leased;
  const kept = mergeRefreshed(held, answer.tokens);
  const template = deps.catalogue.find(connection.settings.provider);
  const facts = factsOf({
    answer,
    kept,
    flow: connection.settings.flow,
    exchangesAccessToken: template?.refresh.strategy === 'exchange_access_token',
    refreshIdleDays: template?.refreshToken.idleDays ?? null,
    held: grant.facts,
    requestedScopes: grant.requestedScopes,
    requestedAt,
  });
  const tokens = { sealed: sealTokens(deps.cipher, grant, kept), facts };
  const event = refreshEvent(leased, deps.clock(), 'success', {});
  const persisted = await deps.persist({ base: baseOf(grant), owner, tokens, event });
  if (persisted === 'moved') return afterTheRowMoved(deps, leased);
  // Not read again: what was written is known, and while it is only on the disk the row cannot be read.
  return { kind: 'fresh', grant: renewedGrant(grant, tokens, event.time) };
}

function baseOf({ id, connectionId, organizationId, version }: Grant): GrantBase {
  return { id, connectionId, organizationId, version };
}

async function recordFailure(
  deps: CallProviderDeps,
  leased: LeasedGrant,
  owner: string,
  failure: ProviderFailure,
): Promise<RefreshResult> {
  const { store, clock } = deps;
  const { grant, connection, interrupted } = leased;
  const current = await store.find(grant.id);
  // invalid_grant from a token that is no longer the stored one says nothing about the one that is.
  if (current === undefined || current.grant.version !== grant.version) {
    await store.release(leased, owner);
    return afterTheRowMoved(deps, leased);
  }

  const effect = effectOfFailure(grant, failure.facts, interrupted, clock());
  const spendsToken = connection.settings.flow !== 'client_credentials';
  const answerLost = failure.facts.sent && !failure.facts.answered;
  const recorded = await store.fail(
    leased,
    owner,
    {
      ...effect,
      message: failure.message,
      keepIntent: spendsToken && effect.failed === null && (answerLost || interrupted),
    },
    refreshEvent(leased, clock(), 'failure', {
      class: failure.facts.class,
      error: failure.facts.oauthError,
      http_status: failure.facts.httpStatus,
    }),
  );
  if (!recorded) return afterTheRowMoved(deps, leased);
  if (effect.failed === 'client_rejected') await store.failAllOf(connection.id, effect.failed, failure.message);
  return asItStands(deps, grant);
}

async function afterTheRowMoved(deps: CallProviderDeps, { grant }: LeasedGrant): Promise<RefreshResult> {
  const current = await deps.store.find(grant.id);
  if (current === undefined) return { kind: 'gone' };
  return current.grant.status === 'completed'
    ? { kind: 'fresh', grant: current.grant }
    : { kind: 'failed', grant: current.grant };
}

async function asItStands(deps: CallProviderDeps, before: Grant): Promise<RefreshResult> {
  const current = await deps.store.find(before.id);
  if (current === undefined) return { kind: 'gone' };
  const { grant } = current;
  if (grant.status !== 'completed') return { kind: 'failed', grant };
  if (grant.version !== before.version) return { kind: 'fresh', grant };
  return { kind: 'unavailable', grant, retryAt: grant.retryAt ?? new Date(deps.clock().getTime() + soonMs) };
}

function refreshEvent(
  { grant, connection }: LeasedGrant,
  time: Date,
  outcome: AuditEvent['outcome'],
  details: AuditEvent['details'],
): AuditEvent {
  return {
    time,
    actor: 'broker',
    action: outcome === 'success' ? 'grant.refreshed' : 'grant.refresh_failed',
    organizationId: grant.organizationId,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId: grant.id,
    outcome,
    details,
    requestId: null,
    address: null,
  };
}
