import { BrokerError } from '../domain/errors.ts';

/** Counts a forced refresh of a grant; throws rate_limited past the limit. Reports of the same version share one. */
export type LimitForcedRefreshes = (grantId: string, version: number) => void;

const windowMs = 60_000;
const perWindow = 10;
/** A process that forces more grants than this within a minute forgets the oldest count first. */
const mostGrants = 10_000;

interface Attempt {
  at: number;
  version: number;
}

export function createLimitForcedRefreshes(clock: () => Date): LimitForcedRefreshes {
  const attempts = new Map<string, Attempt[]>();
  return (grantId, version) => {
    const now = clock().getTime();
    const recent = (attempts.get(grantId) ?? []).filter(({ at }) => now - at < windowMs);
    if (recent.at(-1)?.version === version && now - (recent.at(-1)?.at ?? 0) < 1000) return;
    const oldest = recent[0];
    if (oldest !== undefined && recent.length >= perWindow) {
      const retryAfter = Math.max(1, Math.ceil((oldest.at + windowMs - now) / 1000));
      throw BrokerError.with('rate_limited', 'This grant was refreshed on demand too often.', {
        retry_after: retryAfter,
      });
    }
    attempts.delete(grantId);
    attempts.set(grantId, [...recent, { at: now, version }]);
    const first = attempts.size > mostGrants ? attempts.keys().next().value : undefined;
    if (first !== undefined) attempts.delete(first);
  };
}
