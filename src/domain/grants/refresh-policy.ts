import type { Grant, TokenMetadata } from './grant.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Tolerated difference between the broker's and the provider's clock. A larger one lets a served token expire in
 * transit.
 */
export const clockSkewMs = 5 * second;
/** Upper bound of the soft margin. A larger margin refreshes long-lived tokens earlier than needed. */
export const maxSoftMarginMs = 5 * minute;
/** Share of the lifetime used as soft margin. A fixed margin alone refreshes short-lived tokens on every read. */
export const softMarginShare = 0.2;
/** Share of the idle limit after which a refresh token is used. The remaining fifth covers outages. */
const keepAliveShare = 0.8;

export interface RefreshSchedule {
  /** Interval between two sweeps. */
  intervalMs: number;
  /** Time before expiry from which the sweep refreshes. */
  windowMs: number;
}

/** Remaining lifetime in milliseconds; Infinity when the expiry is unknown. */
export function remainingMs(metadata: TokenMetadata, now: Date): number {
  return metadata.expiresAt === null ? Number.POSITIVE_INFINITY : metadata.expiresAt.getTime() - now.getTime();
}

export function isExpired(metadata: TokenMetadata, now: Date): boolean {
  return remainingMs(metadata, now) <= 0;
}

/** Margin before expiry within which a token is served and refreshed in the background. */
export function softMarginMs(metadata: TokenMetadata): number {
  const lifetimeMs = (metadata.lifetimeSeconds ?? Number.POSITIVE_INFINITY) * second;
  return Math.min(maxSoftMarginMs, lifetimeMs * softMarginShare);
}

/**
 * Computes when to use a refresh token again that was last used at `usedAt` and expires after `idleDays` without use.
 */
export function keepAliveAt(usedAt: Date, idleDays: number): Date {
  return later(usedAt, idleDays * day * keepAliveShare);
}

/** Checks whether a token may expire between two sweeps. A job of its own refreshes such a token while it is in use. */
export function isShortLived(metadata: TokenMetadata, { intervalMs }: RefreshSchedule): boolean {
  return metadata.lifetimeSeconds !== null && metadata.lifetimeSeconds * second < intervalMs + softMarginMs(metadata);
}

/** Checks whether a token that may expire between two sweeps should be refreshed now. */
export function isDueAhead(metadata: TokenMetadata, schedule: RefreshSchedule, now: Date): boolean {
  const left = remainingMs(metadata, now);
  return metadata.refreshable && isShortLived(metadata, schedule) && left <= softMarginMs(metadata) + clockSkewMs;
}

/**
 * Checks whether the sweep should refresh a grant now: by the earlier of its access and its refresh token. Skips a grant
 * that was obtained less than half an interval ago and outlives the next sweep: otherwise restarts refresh every
 * one-hour token again.
 */
export function isDue(grant: Grant, { intervalMs, windowMs }: RefreshSchedule, now: Date): boolean {
  const { status, metadata } = grant;
  if (status !== 'completed' || metadata === null || !metadata.refreshable) return false;
  if (metadata.keepAliveAt !== undefined && metadata.keepAliveAt <= now) return true;
  if (isLifetimeUntried(grant, metadata)) return true;
  const isNew = metadata.obtainedAt !== null && now.getTime() - metadata.obtainedAt.getTime() < intervalMs / 2;
  const isEnding = (left: number, marginMs: number) => left <= windowMs && !(isNew && left > intervalMs + marginMs);
  if (isEnding(remainingMs(metadata, now), softMarginMs(metadata))) return true;
  // A refresh token that has expired is no reason to call the provider: the call can only fail.
  const refreshLeft = refreshRemainingMs(metadata, now);
  return refreshLeft > 0 && isEnding(refreshLeft, maxSoftMarginMs);
}

/**
 * Checks whether a refresh may still tell the lifetime of a token without expiry. Only one refresh tries it: a provider
 * that states no lifetime there never does.
 */
function isLifetimeUntried({ lastRefreshAt }: Grant, { expiresAt, obtainedAt }: TokenMetadata): boolean {
  return expiresAt === null && (obtainedAt === null || lastRefreshAt === null || lastRefreshAt < obtainedAt);
}

function refreshRemainingMs({ refreshExpiresAt }: TokenMetadata, now: Date): number {
  return refreshExpiresAt === null ? Number.POSITIVE_INFINITY : refreshExpiresAt.getTime() - now.getTime();
}

/** Computes when the sweep refreshes the first token set of a grant; null if it never does. */
export function nextRefreshAt(grant: Grant, schedule: RefreshSchedule): Date | null {
  const own = nextRefreshOf(grant, schedule);
  const siblings = grant.sealedTokens === null ? [] : Object.values(grant.metadata?.siblings ?? {});
  const dates = [own, ...siblings.map((sibling) => nextRefreshOf({ ...grant, ...sibling }, schedule))];
  const times = dates.flatMap((date) => (date === null ? [] : [date.getTime()]));
  return times.length === 0 ? null : new Date(Math.min(...times));
}

function nextRefreshOf(grant: Grant, schedule: RefreshSchedule): Date | null {
  if (grant.status === 'failed') return grant.retryAt;
  const metadata = grant.metadata;
  if (grant.status !== 'completed' || metadata === null || !metadata.refreshable) return null;
  const never = Number.POSITIVE_INFINITY;
  const beforeEnd = (end: Date | null) => (end === null ? never : end.getTime() - schedule.windowMs);
  const storedAt = metadata.obtainedAt ?? grant.updatedAt;
  const due = isLifetimeUntried(grant, metadata)
    ? storedAt.getTime()
    : Math.min(
        beforeEnd(metadata.expiresAt),
        beforeEnd(metadata.refreshExpiresAt),
        metadata.keepAliveAt?.getTime() ?? never,
      );
  if (due === never) return null;
  return new Date(Math.max(due, storedAt.getTime(), grant.retryAt?.getTime() ?? 0));
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}
