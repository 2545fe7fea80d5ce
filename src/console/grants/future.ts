import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { TokenMetadata } from '../../domain/grants/grant.ts';
import type { Tone } from '../layout/status.ts';

/** Something that will happen to a grant. `at` may have passed: then it is due. */
export interface FutureEntry {
  at: Date;
  title: string;
  tone: Tone;
  detail: string | null;
}

export interface Plans {
  now: Date;
  /** Interval between two health checks. */
  healthCheckIntervalMs: number;
  /** False with REFRESH_MODE=off. */
  callsTokenEndpoints: boolean;
}

/** Lists the future of a grant, the latest first. What is due stands last, beside the present. */
export function futureOf(grant: GrantView, plans: Plans): FutureEntry[] {
  const { metadata, status } = grant;
  const held = grant.sealedTokens === null ? null : metadata;
  const siblings = Object.entries(held?.siblings ?? {});
  const entries = [
    ...(plans.callsTokenEndpoints ? refreshesOf(grant, plans) : []),
    ...(held === null ? [] : endsOf(held, '', plans.now)),
    ...siblings.flatMap(([name, sibling]) => [
      ...endsOf(sibling.metadata, ` of ${name}`, plans.now),
      ...(sibling.retryAt === null || sibling.retryAt <= plans.now
        ? []
        : [entry(sibling.retryAt, `Next try of ${name}`, 'warn', 'The provider is not called before.')]),
    ]),
    ...(status === 'completed' ? checkOf(grant, plans) : []),
  ];
  return entries.sort((one, other) => other.at.getTime() - one.at.getTime());
}

function entry(at: Date, title: string, tone: Tone, detail: string | null = null): FutureEntry {
  return { at, title, tone, detail };
}

function refreshesOf({ nextRefreshAt, retryAt, status, lastError }: GrantView, { now }: Plans): FutureEntry[] {
  const retry = retryAt !== null && (retryAt > now || status === 'failed') ? retryAt : null;
  const isSame = retry !== null && nextRefreshAt !== null && retry.getTime() === nextRefreshAt.getTime();
  const tries =
    retry === null ? [] : [entry(retry, 'Next retry', 'warn', lastError?.error ? `After ${lastError.error}.` : null)];
  if (nextRefreshAt === null || isSame) return tries;
  return [...tries, entry(nextRefreshAt, 'Next refresh', 'good', 'The sweep at or after this time refreshes it.')];
}

function endsOf({ expiresAt, refreshExpiresAt, keepAliveAt, refreshable }: TokenMetadata, of: string, now: Date) {
  return [
    ...(expiresAt === null || expiresAt <= now
      ? []
      : [
          entry(
            expiresAt,
            `Access token${of} ends`,
            refreshable ? 'quiet' : 'bad',
            refreshable ? null : 'There is nothing to refresh it with: a person must connect again before.',
          ),
        ]),
    ...(refreshExpiresAt === null || refreshExpiresAt <= now
      ? []
      : [entry(refreshExpiresAt, `Refresh token${of} dies`, 'bad', 'A person must connect again before.')]),
    ...(keepAliveAt === undefined
      ? []
      : [
          entry(
            keepAliveAt,
            `Keep-alive${of}`,
            'quiet',
            'Used by then, so that the provider does not drop it as unused.',
          ),
        ]),
  ];
}

/** The next check of the broker itself. The first one comes with the next run, whose time is not known here. */
function checkOf({ lastTestAt }: GrantView, { healthCheckIntervalMs }: Plans): FutureEntry[] {
  if (lastTestAt === null) return [];
  return [
    entry(new Date(lastTestAt.getTime() + healthCheckIntervalMs), 'Next health check', 'quiet', 'About this time.'),
  ];
}
