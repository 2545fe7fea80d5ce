import type { Grant, StatusReason, TokenFacts } from './grant.ts';
import type { ProviderFailureFacts } from './provider-failure.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Clocks of ours and the provider's may disagree by this much. */
export const clockSkewMs = 5 * second;
export const maxSoftMarginMs = 5 * minute;
export const softMarginShare = 0.2;
/** Share of the idle time a refresh token is left unused for: the rest is for outages of the provider's, or of ours. */
const keepAliveShare = 0.8;
const maxThrottleMs = 15 * minute;
const firstBackoffMs = 30 * second;
const maxBackoffMs = 15 * minute;
/** Nothing but refusals for this long, and at least this many, ends a grant that no code condemned. */
const giveUpAfterMs = day;
const giveUpAfterFailures = 10;

export interface RefreshSchedule {
  /** How often the sweep runs. */
  intervalMs: number;
  /** How far ahead of expiry the sweep refreshes. */
  windowMs: number;
}

/** Milliseconds of life left; Infinity where the expiry is unknown. */
export function remainingMs(facts: TokenFacts, now: Date): number {
  return facts.expiresAt === null ? Number.POSITIVE_INFINITY : facts.expiresAt.getTime() - now.getTime();
}

export function isExpired(facts: TokenFacts, now: Date): boolean {
  return remainingMs(facts, now) <= 0;
}

/** Inside this margin a token is still served, and refreshed behind the answer. */
export function softMarginMs(facts: TokenFacts): number {
  const lifetimeMs = (facts.lifetimeSeconds ?? Number.POSITIVE_INFINITY) * second;
  return Math.min(maxSoftMarginMs, lifetimeMs * softMarginShare);
}

/** When a refresh token that was last used at `usedAt`, and dies after `idleDays` without use, is to be used again. */
export function keepAliveAt(usedAt: Date, idleDays: number): Date {
  return later(usedAt, idleDays * day * keepAliveShare);
}

/** A token that may expire between two sweeps: refreshed by a job of its own while it is being used. */
export function isShortLived(facts: TokenFacts, { intervalMs }: RefreshSchedule): boolean {
  return facts.lifetimeSeconds !== null && facts.lifetimeSeconds * second < intervalMs + softMarginMs(facts);
}

/**
 * Whether the sweep should refresh a grant now. One obtained less than half an interval ago that outlives the next sweep
 * is left alone, so that restarts and one-hour tokens make no storm.
 */
export function isDue({ status, facts }: Grant, { intervalMs, windowMs }: RefreshSchedule, now: Date): boolean {
  if (status !== 'completed' || facts === null || !facts.refreshable) return false;
  if (facts.keepAliveAt !== undefined && facts.keepAliveAt <= now) return true;
  const left = remainingMs(facts, now);
  if (left > windowMs) return false;
  const isNew = facts.obtainedAt !== null && now.getTime() - facts.obtainedAt.getTime() < intervalMs / 2;
  return !(isNew && left > intervalMs + softMarginMs(facts));
}

/** When the sweep will take a grant up; null where it never will. */
export function nextRefreshAt(grant: Grant, schedule: RefreshSchedule): Date | null {
  if (grant.status === 'failed') return grant.retryAt;
  const facts = grant.facts;
  if (grant.status !== 'completed' || facts === null || !facts.refreshable) return null;
  const never = Number.POSITIVE_INFINITY;
  const expiring = facts.expiresAt === null ? never : facts.expiresAt.getTime() - schedule.windowMs;
  const due = Math.min(expiring, facts.keepAliveAt?.getTime() ?? never);
  if (due === never) return null;
  return new Date(Math.max(due, facts.obtainedAt?.getTime() ?? 0, grant.retryAt?.getTime() ?? 0));
}

/** What a failed refresh does to a grant. */
export interface FailureEffect {
  /** Null: the grant stays as it is. */
  failed: StatusReason | null;
  retryAt: Date | null;
  run: FailureRun;
}

/**
 * What a failure is to the run that may end as provider_rejected: one more of it, an answer of another kind, from which
 * a day of nothing else is counted anew, or nothing, because no call was made.
 */
export type FailureRun = 'grows' | 'restarts' | 'stays';

/** What a grant's failures so far say about the next one. */
export type FailureHistory = Pick<Grant, 'failingSince' | 'consecutiveFailures'> & Partial<Pick<Grant, 'statusReason'>>;

/** The effect of a failure on a grant that was leased for it. `interrupted`: an earlier call's answer may have been lost. */
export function effectOfFailure(
  grant: FailureHistory,
  failure: ProviderFailureFacts,
  interrupted: boolean,
  now: Date,
): FailureEffect {
  // Held back: what other calls met says nothing of this grant, however long it lasts.
  if (!failure.sent && failure.retryAfterMs !== null) {
    return { failed: null, retryAt: later(now, Math.min(failure.retryAfterMs, maxThrottleMs)), run: 'stays' };
  }
  switch (failure.class) {
    case 'reauthorization': {
      const failed = interrupted ? 'rotation_interrupted' : 'reauthorization_required';
      return { failed, retryAt: null, run: 'restarts' };
    }
    case 'client':
      return { failed: 'client_rejected', retryAt: null, run: 'restarts' };
    case 'configuration':
      return { failed: 'configuration_rejected', retryAt: later(now, day), run: 'restarts' };
    case 'throttled': {
      const pauseMs = Math.min(failure.retryAfterMs ?? backoffMs(grant), maxThrottleMs);
      return { failed: null, retryAt: retryAfter(grant, pauseMs, now), run: 'restarts' };
    }
    case 'refused':
    case 'transient':
    case 'unknown':
      return hasGivenUp(grant, now)
        ? { failed: 'provider_rejected', retryAt: later(now, day), run: 'grows' }
        : {
            failed: null,
            retryAt: retryAfter(
              grant,
              Math.min(Math.max(failure.retryAfterMs ?? 0, backoffMs(grant)), maxThrottleMs),
              now,
            ),
            run: 'grows',
          };
  }
}

/** One that is tried daily stays so: that today's try met an outage is no reason to ask more often. */
function retryAfter({ statusReason }: FailureHistory, pauseMs: number, now: Date): Date {
  const isTriedDaily = statusReason === 'configuration_rejected' || statusReason === 'provider_rejected';
  return later(now, isTriedDaily ? day : pauseMs);
}

function hasGivenUp(grant: FailureHistory, now: Date): boolean {
  return (
    grant.failingSince !== null &&
    now.getTime() - grant.failingSince.getTime() >= giveUpAfterMs &&
    grant.consecutiveFailures + 1 >= giveUpAfterFailures
  );
}

/** 30 s, doubled with each failure in a row, 15 minutes at most. */
function backoffMs(grant: FailureHistory): number {
  return Math.min(firstBackoffMs * 2 ** Math.min(grant.consecutiveFailures, 10), maxBackoffMs);
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}
