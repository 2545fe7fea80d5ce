import { needsCall } from '../../broker/credentials/serve-credential.ts';
import { notConnected, refusal } from '../../broker/credentials/serving-refusal.ts';
import { refreshIsOff } from '../../broker/refresh-is-off.ts';
import { type BrokerError, isBrokerError } from '../../domain/errors.ts';
import type { Grant, StatusReason } from '../../domain/grants/grant.ts';
import { decideServing } from '../../domain/grants/serving.ts';
import type { NextAction } from '../../domain/next-action.ts';
import { nextActionOfRefusal } from '../../domain/next-action-of-refusal.ts';
import type { ExplainedState } from './state.ts';

/** Result of GET /credentials/{name} now, without `min_ttl` and `scopes`. `text` is one sentence for people. */
export type CallersGet =
  | { kind: 'token'; status: 200; expiresAt: Date | null; text: string }
  /** The fetch calls the provider first, and its response decides. */
  | { kind: 'refresh'; text: string }
  | {
      kind: 'refusal';
      status: 503;
      code: RefusalCode;
      reason: StatusReason | null;
      nextAction: NextAction;
      /** Seconds of Retry-After; null without that header. */
      retryAfterSeconds: number | null;
      /** Whether REFRESH_MODE=off is the cause. */
      refreshesAreOff: boolean;
      text: string;
    };

/** Codes of a fetch that finds one grant or none. All have the status 503. */
type RefusalCode = 'connection_not_ready' | 'provider_unavailable';

export interface Moment {
  now: Date;
  /** False with REFRESH_MODE=off. */
  callsTokenEndpoints: boolean;
}

/** Asks the same decision as a fetch. */
export function callersGet(state: ExplainedState, moment: Moment): CallersGet {
  if (state.grant !== null) return ofGrant(state.grant, state, moment);
  const { record } = state;
  if (record === null) throw new Error('A state has a grant or a connection.');
  return ofRefusal(notConnected(record, moment.now, 'Not connected yet.'));
}

function ofGrant(grant: Grant, { flow }: ExplainedState, { now, callsTokenEndpoints }: Moment): CallersGet {
  const demand = { minTtlSeconds: 0, templateLifetimeSeconds: null, now, mayCallProvider: callsTokenEndpoints };
  const serving = decideServing(grant, flow, demand);
  if (!callsTokenEndpoints && needsCall(serving)) return { ...ofRefusal(refreshIsOff(grant)), refreshesAreOff: true };
  if (serving.kind === 'serve') {
    const expiresAt = grant.metadata?.expiresAt ?? null;
    return { kind: 'token', status: 200, expiresAt, text: 'Callers get the stored token, with status 200.' };
  }
  if (serving.kind === 'refresh') {
    const text =
      'A fetch calls the provider first. Callers get a new token with status 200, or provider_unavailable with status 503.';
    return { kind: 'refresh', text };
  }
  return ofRefusal(refusal(serving, flow, now));
}

function ofRefusal(error: BrokerError): Extract<CallersGet, { kind: 'refusal' }> {
  const { code, details } = error;
  if (code !== 'connection_not_ready' && code !== 'provider_unavailable') throw error;
  const retryAfterSeconds = ('retry_after' in details ? details.retry_after : undefined) ?? null;
  const nextAction = nextActionOfRefusal(error) ?? 'none';
  const wait = retryAfterSeconds === null ? '' : ` and Retry-After: ${retryAfterSeconds}`;
  return {
    kind: 'refusal',
    status: 503,
    code,
    reason: isBrokerError(error, 'connection_not_ready') ? error.details.status_reason : null,
    nextAction,
    retryAfterSeconds,
    refreshesAreOff: false,
    text: `Callers get ${code} with status 503${wait}.`,
  };
}
