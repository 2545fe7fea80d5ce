import type { Actor } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Database } from '../domain/ports/stores.ts';
import { nextRefreshAt, type RefreshSchedule } from '../domain/refresh-policy.ts';
import { forcedTooOften } from './force-limit.ts';
import type { GrantSelector, GrantView } from './grant-view.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';

/**
 * Refreshes now, whatever the expiry. Throws connection_not_found, connection_not_ready, provider_unavailable,
 * grant_not_found, not_refreshable, account_ambiguous, rate_limited.
 */
export type ForceRefresh = (actor: Actor, name: string, selector: GrantSelector) => Promise<GrantView>;

export interface ForceRefreshDeps {
  database: Pick<Database, 'read'>;
  refreshGrant: RefreshGrant;
  clock: () => Date;
  schedule: RefreshSchedule;
}

export function createForceRefresh(deps: ForceRefreshDeps): ForceRefresh {
  return async (actor, name, selector) => {
    const { grant, flow } = await findOwnGrant(deps, actor, name, selector);
    if (flow !== 'client_credentials') requireRefreshable(grant);
    const result = await deps.refreshGrant(grant.id, {
      isSatisfiedBy: (current) => current.version > grant.version,
      force: true,
      seenVersion: grant.version,
    });
    const refreshed = grantOf(result, deps.clock());
    return { ...refreshed, nextRefreshAt: nextRefreshAt(refreshed, deps.schedule) };
  };
}

/** The caller's own, also below a global connection: acting on a shared grant is its owner's business. */
async function findOwnGrant(
  { database }: ForceRefreshDeps,
  actor: Actor,
  name: string,
  { subject, accountId }: GrantSelector,
) {
  const stores = database.read(actor.organizationId);
  const record = await stores.connections.find(name);
  if (record === undefined) throw BrokerError.of('connection_not_found', `There is no connection named ${name}.`);
  const grants = (await stores.grants.list(record.connection.id)).filter(
    (grant) => grant.subject === subject && (accountId === null || grant.accountId === accountId),
  );
  const [grant, ...others] = grants;
  if (grant !== undefined && others.length === 0) return { grant, flow: record.connection.settings.flow };
  if (grant !== undefined) {
    const accounts = grants.flatMap((one) => (one.accountId === null ? [] : [one.accountId]));
    throw BrokerError.with('account_ambiguous', 'Several accounts are connected; name one with account_id.', {
      accounts,
    });
  }
  throw BrokerError.of('grant_not_found', 'There is no grant of that subject and account to refresh.');
}

function requireRefreshable(grant: Grant): void {
  if (grant.sealedTokens === null) throw notReady(grant);
  if (grant.facts?.refreshable !== true) {
    throw BrokerError.of('not_refreshable', 'The provider gave no refresh token; the person has to authorize again.');
  }
  if (grant.status === 'failed' && grant.retryAt === null) throw notReady(grant);
}

function grantOf(result: RefreshResult, now: Date): Grant {
  switch (result.kind) {
    case 'fresh':
      return result.grant;
    case 'failed':
      throw notReady(result.grant);
    case 'limited':
      throw forcedTooOften(result.retryAfterMs);
    case 'gone':
      throw BrokerError.of('grant_not_found', 'The grant was deleted meanwhile.');
    case 'unavailable':
      throw BrokerError.with('provider_unavailable', result.grant.statusMessage ?? 'The provider does not answer.', {
        retry_after: Math.max(1, Math.ceil((result.retryAt.getTime() - now.getTime()) / 1000)),
      });
  }
}

function notReady(grant: Grant): BrokerError {
  return BrokerError.with('connection_not_ready', grant.statusMessage ?? 'The connection has no usable token.', {
    connection_status: grant.status,
    status_reason: grant.statusReason,
    status_message: grant.statusMessage,
  });
}
