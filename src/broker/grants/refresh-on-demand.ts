import type { Actor } from '../../domain/callers/caller.ts';
import type { Flow } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import { nextActionOfFailure } from '../../domain/failed-authorization.ts';
import { maxAccountsNamed } from '../../domain/grants/credential.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import { nextActionToConnect } from '../../domain/next-action.ts';
import type { Database } from '../../domain/ports/stores.ts';
import {
  ambiguous,
  grantNotFound,
  notReady,
  secondsUntil,
  stateOf,
  unavailable,
} from '../credentials/serving-refusal.ts';
import { refreshedTooOften } from '../refresh/on-demand-limit.ts';
import type { RefreshGrant } from '../refresh/refresh-grant.ts';
import type { RefreshResult } from '../refresh/refresh-result.ts';
import type { GrantSelector, GrantView, ViewGrant } from './grant-view.ts';

/**
 * Refreshes a grant now, whatever its expiry. Throws connection_not_found, connection_not_ready, provider_unavailable,
 * grant_not_found, not_refreshable, account_ambiguous, rate_limited.
 */
export type RefreshOnDemand = (actor: Actor, name: string, selector: GrantSelector) => Promise<GrantView>;

export interface RefreshOnDemandDeps {
  database: Pick<Database, 'read'>;
  refreshGrant: RefreshGrant;
  /** Refreshes the second token sets of a grant. A failure is recorded with the grant and does not throw. */
  refreshSiblings: (grant: Grant) => Promise<unknown>;
  clock: () => Date;
  viewGrant: ViewGrant;
}

export function createRefreshOnDemand(deps: RefreshOnDemandDeps): RefreshOnDemand {
  return async (actor, name, selector) => {
    const { grant, connection } = await findOwnGrant(deps, actor, name, selector);
    const { settings } = connection;
    if (settings.flow !== 'client_credentials') requireRefreshable(grant, settings.flow, deps.clock());
    const result = await deps.refreshGrant(grant.id, {
      isSatisfiedBy: (current) => current.version > grant.version,
      onDemand: true,
      triesRefused: true,
      seenVersion: grant.version,
    });
    const refreshed = grantOf(result, settings.flow, deps.clock());
    if (refreshed.metadata?.siblings === undefined) return deps.viewGrant(refreshed, connection);
    await deps.refreshSiblings(refreshed);
    const current = await deps.database.read(actor.organizationId).grants.find(connection.id, grant.id);
    return deps.viewGrant(current ?? refreshed, connection);
  };
}

/** Finds the caller's own grant, also below a global connection. Only its owner may act on a shared grant. */
async function findOwnGrant(
  { database }: RefreshOnDemandDeps,
  actor: Actor,
  name: string,
  { subject, accountId }: GrantSelector,
) {
  const stores = database.read(actor.organizationId);
  const record = await stores.connections.find(name);
  if (record === undefined) throw BrokerError.of('connection_not_found', `There is no connection named ${name}.`);
  const slot = { connectionId: record.connection.id, subject, accountId };
  const grants = await stores.grants.findMatching(slot, maxAccountsNamed);
  const [grant, ...others] = grants;
  if (grant !== undefined && others.length === 0) return { grant, connection: record.connection };
  if (grant !== undefined) throw ambiguous(grants);
  const isUnnamed = subject === null && accountId === null;
  throw grantNotFound(
    'There is no grant of that subject and account to refresh.',
    record.connection.settings.flow,
    isUnnamed ? nextActionOfFailure(record.failure, record.connection) : null,
  );
}

function requireRefreshable(grant: Grant, flow: Flow, now: Date): void {
  if (grant.sealedTokens === null) throw notReady(stateOf(grant), flow, now);
  if (grant.metadata?.refreshable !== true) {
    throw BrokerError.with(
      'not_refreshable',
      'The provider gave no refresh token; the person has to authorize again.',
      {
        next_action: nextActionToConnect(flow),
      },
    );
  }
}

function grantOf(result: RefreshResult, flow: Flow, now: Date): Grant {
  switch (result.kind) {
    case 'fresh':
      return result.grant;
    case 'failed':
      throw notReady(stateOf(result.grant), flow, now);
    case 'limited':
      throw refreshedTooOften(result.retryAfterMs);
    case 'gone':
      throw grantNotFound('The grant was deleted meanwhile.', flow);
    case 'unavailable':
      throw unavailable(
        secondsUntil(result.retryAt, now),
        result.grant.statusMessage ?? 'The provider does not answer.',
      );
  }
}
