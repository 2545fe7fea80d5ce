import { clientPauseRule } from '../../domain/grants/client-pause.ts';
import { lastErrorOf } from '../../domain/grants/failure-history.ts';
import { effectOfFailure, type FailureEffect } from '../../domain/grants/failure-policy.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { LeasedGrant, RecordedFailure, RefreshFailure, RefreshStore } from '../../domain/ports/engine.ts';
import type { ProviderFailure } from '../../domain/provider-failure.ts';
import { failureDetails } from '../failure-details.ts';
import { refreshEvent } from './refresh-event.ts';
import { type RefreshResult, resultOfMovedRow, resultWithoutSuccess } from './refresh-result.ts';
import type { TokenPart } from './token-part.ts';

export interface RecordFailureDeps {
  store: Pick<RefreshStore, 'find' | 'fail' | 'countClientRefusal' | 'release'>;
  /** Receives each failure of a call that was made, once it is recorded. */
  onRefreshFailure: (failure: RefreshFailure) => void;
  clock: () => Date;
  part: Pick<TokenPart, 'sibling'>;
}

/**
 * Records a failed call on the grant that saw it and on no other row, unless its row moved on meanwhile: then the
 * failure says nothing about the token that is stored now. A refusal of the client is also counted for the connection.
 * `continues`: earlier failures that the row no longer shows.
 */
export async function recordFailure(
  deps: RecordFailureDeps,
  leased: LeasedGrant,
  owner: string,
  failure: ProviderFailure,
  continues?: RecordedFailure['continues'],
): Promise<RefreshResult> {
  const { store, clock } = deps;
  const { grant, connection, interrupted } = leased;
  const current = await store.find(grant.id);
  if (current === undefined || current.grant.version !== grant.version) {
    await store.release(leased, owner);
    return resultOfMovedRow(store, leased);
  }

  const now = clock();
  const effect = effectOfFailure(grant, failure.facts, interrupted, now);
  const error = lastErrorOf(grant, failure, now);
  const spendsToken = connection.settings.flow !== 'client_credentials';
  const responseLost = failure.facts.sent && (!failure.facts.answered || failure.facts.lost === true);
  const keepIntent = spendsToken && effect.failed === null && (responseLost || interrupted);
  const details = failureDetails(failure, error?.attempts ?? null);
  const event = refreshEvent(leased, now, 'failure', details, deps.part.sibling);
  const recorded = { ...effect, message: failure.message, error, keepIntent, ...(continues && { continues }) };
  if (!(await store.fail(leased, owner, recorded, event))) {
    return resultOfMovedRow(store, leased);
  }
  if (error !== null) report(deps, leased, effect, error);
  // A statement of its own after the commit: a transaction that holds the grant must not wait for the connection.
  if (failure.facts.class === 'client' && failure.facts.sent) await store.countClientRefusal(grant, clientPauseRule);
  return resultAfterFailure(store, grant, clock());
}

function report(
  { onRefreshFailure, part: { sibling } }: RecordFailureDeps,
  { grant, connection }: LeasedGrant,
  { failed, retryAt }: FailureEffect,
  error: RefreshFailure['error'],
): void {
  const named = sibling === undefined ? {} : { sibling };
  onRefreshFailure({ grant, connectionName: connection.name, error, failed, retryAt, ...named });
}

async function resultAfterFailure(store: Pick<RefreshStore, 'find'>, before: Grant, now: Date): Promise<RefreshResult> {
  const current = await store.find(before.id);
  if (current === undefined) return { kind: 'gone' };
  const { grant } = current;
  if (grant.status === 'completed' && grant.version !== before.version) return { kind: 'fresh', grant };
  return resultWithoutSuccess(grant, now);
}
