import type { ServableGrant } from '../../domain/grants/credential.ts';
import { effectOfFailure } from '../../domain/grants/failure-policy.ts';
import type { GrantWithConnection, RefreshStore } from '../../domain/ports/engine.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { ProviderFailure } from '../../domain/provider-failure.ts';
import type { RefreshDemand } from '../refresh/refresh-demand.ts';
import { type RefreshResult, resultWithoutSuccess } from '../refresh/refresh-result.ts';
import { resultOfUnsaved, type UnderLeaseDeps } from '../refresh/refresh-under-lease.ts';
import { withoutCalling } from '../refresh/result-without-call.ts';

/** Predicted refresh. */
export type RefreshPreview =
  /** The result is certain, without a provider call. `heldBack` tells why the call would not be made. */
  | { kind: 'result'; result: RefreshResult; heldBack: ProviderFailure | null }
  /** The provider would be called. */
  | { kind: 'call' }
  /** A lease holder, maybe of another process, refreshes the grant now. The fetch waits for it. */
  | { kind: 'under_way' };

/**
 * Predicts the refresh that a reader would wait for, by the rules of the refresh engine. Takes no lease, calls no
 * provider and writes nothing. Pauses and circuits are those of this process.
 */
export type PreviewRefresh = (grantId: string, demand: RefreshDemand) => Promise<RefreshPreview>;

export interface PreviewRefreshDeps {
  store: Pick<RefreshStore, 'find'>;
  unsaved: UnderLeaseDeps['unsaved'];
  oauth: Pick<OAuthGateway, 'heldBack'>;
  clock: () => Date;
}

export function createPreviewRefresh(deps: PreviewRefreshDeps): PreviewRefresh {
  const { store, oauth, clock } = deps;
  return async (grantId, demand) => {
    const held = await resultOfUnsaved(deps, grantId, demand);
    if (held !== undefined) return without(held);
    const row = await store.find(grantId);
    if (row === undefined) return without({ kind: 'gone' });
    const { grant, connection } = row;
    const now = clock();
    // A reader that waits for the lease also accepts a row that satisfies it.
    if (demand.isSatisfiedBy(grant)) return without({ kind: 'fresh', grant });
    if (grant.leaseUntil !== null && grant.leaseUntil > now) return { kind: 'under_way' };
    const result = withoutCalling(row, demand, now);
    if (result !== undefined) return without(result);
    const { organizationId } = grant;
    const heldBack = oauth.heldBack({
      caller: { organizationId, connectionId: connection.id },
      settings: connection.settings,
    });
    if (heldBack === undefined) return { kind: 'call' };
    return { kind: 'result', result: resultOfFailure(row, heldBack, now), heldBack };
  };
}

function without(result: RefreshResult): RefreshPreview {
  return { kind: 'result', result, heldBack: null };
}

/** Predicts the result of a call that fails unsent. */
function resultOfFailure({ grant }: GrantWithConnection, failure: ProviderFailure, now: Date): RefreshResult {
  const isInterrupted = grant.refreshStartedAt !== null;
  const { failed, retryAt } = effectOfFailure(grant, failure.facts, isInterrupted, now);
  const state: Partial<ServableGrant> =
    failed === null ? {} : { status: 'failed', statusReason: failed, statusMessage: failure.message };
  return resultWithoutSuccess({ ...grant, ...state, retryAt }, now);
}
