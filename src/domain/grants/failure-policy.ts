import type { FailureClass, ProviderFailureFacts } from '../provider-failure.ts';
import { type FailureHistory, failuresBefore, isHeldBack, kindOf } from './failure-history.ts';
import type { StatusReason } from './grant.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Upper bound of a Retry-After. Without it one wrong header stops a grant's refreshes until its token expires. */
const maxThrottleMs = 15 * minute;
const firstBackoffMs = 30_000;
const maxBackoffMs = 15 * minute;
/**
 * First pauses after a call whose response was lost. Providers accept a spent refresh token again for 10 to 60 seconds.
 */
const lostResponsePausesMs = [20_000, 2 * minute];
/** Times after the first refusal at which a refused refresh token is tried again. Providers have bad hours. */
const secondChancesMs = [5 * minute, hour, day];
/** Pauses after refusals of the client; the last one repeats. */
const clientPausesMs = [minute, 5 * minute, 15 * minute, hour];
/** Pauses after refusals that are not understood; the last one repeats. */
const unknownPausesMs = [minute, 5 * minute, 30 * minute, hour];
/** A grant fails as provider_rejected after only transient failures for this long and at least this often. */
const outage = { forMs: day, failures: 10 };
/** A grant fails as provider_rejected after only refusals that are not understood for this long and this often. */
const refusal = { forMs: hour, failures: 5 };

/** Effect of a failed refresh on a grant. */
export interface FailureEffect {
  /** Reason with which the grant fails; null leaves its status unchanged. */
  failed: StatusReason | null;
  retryAt: Date | null;
  run: FailureRun;
}

/**
 * Effect of a failure on the run of failures that may end a grant.
 * - grows: one more failure of the run.
 * - restarts: a failure of another kind, so the time counts from now.
 * - stays: no call was made, so this is no failure of the grant.
 */
export type FailureRun = 'grows' | 'restarts' | 'stays';

/**
 * Computes the effect of a failure on a leased grant. `interrupted`: the response to an earlier call may have been
 * lost.
 */
export function effectOfFailure(
  grant: FailureHistory,
  failure: ProviderFailureFacts,
  interrupted: boolean,
  now: Date,
): FailureEffect {
  if (isHeldBack(failure)) {
    const retryAt = later(now, Math.min(failure.retryAfterMs ?? 0, maxThrottleMs));
    return { failed: null, retryAt: isGivenUp(grant) ? null : retryAt, run: 'stays' };
  }
  if (failure.class === 'reauthorization') {
    return refusedToken(grant, interrupted || failure.lost === true, now);
  }
  // A refused token stays refused, whatever else its later tries meet. Only a success says otherwise.
  if (isRefusedToken(grant)) {
    return { failed: null, retryAt: isGivenUp(grant) ? null : later(now, pauseMs(grant, failure)), run: 'grows' };
  }
  const run = continuesRun(grant, failure.class) ? 'grows' : 'restarts';
  const retryAt = later(now, pauseMs(grant, failure));
  switch (kindOf(failure.class)) {
    case 'client':
      return { ...refusedClient(grant, retryAt, now), run };
    case 'configuration':
      return { failed: 'configuration_rejected', retryAt, run };
    case 'throttled':
      return { failed: null, retryAt, run };
    case 'unknown':
      return { failed: hasRunFor(grant, failure, refusal, now) ? 'provider_rejected' : null, retryAt, run };
    default:
      return hasRunFor(grant, failure, outage, now)
        ? { failed: 'provider_rejected', retryAt: later(now, day), run }
        : { failed: null, retryAt, run };
  }
}

/** Fails a grant whose refresh token is refused, and tries it a few times more in case the provider was mistaken. */
function refusedToken(grant: FailureHistory, interrupted: boolean, now: Date): FailureEffect {
  const isFirst = !isRefusedToken(grant);
  const since = isFirst || grant.failingSince === null ? now : grant.failingSince;
  const next = secondChancesMs.map((ms) => later(since, ms)).find((at) => at > now);
  const wasInterrupted = interrupted || (!isFirst && grant.statusReason === 'rotation_interrupted');
  return {
    failed: wasInterrupted ? 'rotation_interrupted' : 'reauthorization_required',
    retryAt: next ?? null,
    run: isFirst ? 'restarts' : 'grows',
  };
}

/** Keeps a grant completed while its token lives. The call at its expiry then fails the grant, not a reader's wait. */
function refusedClient({ metadata }: FailureHistory, retryAt: Date, now: Date): Omit<FailureEffect, 'run'> {
  const expiresAt = metadata === null ? now : metadata.expiresAt;
  if (expiresAt !== null && expiresAt <= now) return { failed: 'client_rejected', retryAt };
  return { failed: null, retryAt: expiresAt !== null && expiresAt < retryAt ? expiresAt : retryAt };
}

/** Checks whether the provider has refused the grant's refresh token. */
export function isRefusedToken({ statusReason }: Pick<FailureHistory, 'statusReason'>): boolean {
  return statusReason === 'reauthorization_required' || statusReason === 'rotation_interrupted';
}

/** Checks whether no try is left for a refused token. A refresh on demand tries it once and changes nothing of that. */
function isGivenUp(grant: FailureHistory): boolean {
  return isRefusedToken(grant) && grant.retryAt === null;
}

function pauseMs(grant: FailureHistory, failure: ProviderFailureFacts): number {
  const before = failuresBefore(grant, failure.class);
  const requestedMs = Math.min(failure.retryAfterMs ?? 0, maxThrottleMs);
  switch (kindOf(failure.class)) {
    case 'client':
      return Math.max(nth(clientPausesMs, before), requestedMs);
    case 'unknown':
      return Math.max(nth(unknownPausesMs, before), requestedMs);
    case 'configuration':
      return day;
    case 'throttled':
      return isTriedDaily(grant) ? day : Math.min(failure.retryAfterMs ?? backoffMs(before), maxThrottleMs);
    default:
      return isTriedDaily(grant) ? day : Math.max(outagePauseMs(failure, before), requestedMs);
  }
}

/** Checks whether the grant is tried once a day. Such a grant stays daily when a try meets an outage. */
function isTriedDaily({ statusReason }: FailureHistory): boolean {
  return statusReason === 'configuration_rejected' || statusReason === 'provider_rejected';
}

function continuesRun(grant: FailureHistory, failureClass: FailureClass): boolean {
  return failuresBefore(grant, failureClass) > 0;
}

function hasRunFor(
  grant: FailureHistory,
  failure: ProviderFailureFacts,
  limit: { forMs: number; failures: number },
  now: Date,
): boolean {
  const before = failuresBefore(grant, failure.class);
  if (before === 0 || grant.failingSince === null) return false;
  return now.getTime() - grant.failingSince.getTime() >= limit.forMs && before + 1 >= limit.failures;
}

/** Computes the pause after an outage, which is shorter at first if the response was lost. */
function outagePauseMs({ sent, answered, lost, httpStatus }: ProviderFailureFacts, before: number): number {
  const isLost = sent && (!answered || lost === true || httpStatus === 502 || httpStatus === 504);
  return (isLost ? lostResponsePausesMs[before] : undefined) ?? backoffMs(before);
}

/** Computes the backoff: 30 s, doubled with each consecutive failure, at most 15 minutes. */
function backoffMs(before: number): number {
  return Math.min(firstBackoffMs * 2 ** Math.min(before, 10), maxBackoffMs);
}

function nth(pauses: readonly number[], index: number): number {
  return pauses[index] ?? pauses.at(-1) ?? maxBackoffMs;
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}
