import { describe, expect, test } from 'vitest';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import { isDue, isShortLived, keepAliveAt, nextRefreshAt } from '../../../../src/domain/grants/refresh-policy.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2026-01-01T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const schedule = { intervalMs: 30 * minute, windowMs: 4 * hour };
const at = (ms: number) => new Date(now.getTime() + ms);

function grant(over: Partial<Grant> = {}): Grant {
  const metadata = someMetadata({ expiresAt: at(3 * hour), obtainedAt: at(-hour), lifetimeSeconds: 14_400 });
  return aGrant({ id: 'g', metadata, createdAt: now, updatedAt: now, ...over });
}

function withMetadata(metadata: Partial<NonNullable<Grant['metadata']>>): Grant {
  const base = grant();
  return { ...base, metadata: base.metadata === null ? null : { ...base.metadata, ...metadata } };
}

describe('grants that are due for the sweep', () => {
  test('a grant is due if it expires within the window, and not if it expires later', () => {
    expect(isDue(withMetadata({ expiresAt: at(3 * hour) }), schedule, now)).toBe(true);
    expect(isDue(withMetadata({ expiresAt: at(5 * hour) }), schedule, now)).toBe(false);
  });

  test('a new one-hour token that outlives the next sweep is not due', () => {
    expect(
      isDue(
        withMetadata({ expiresAt: at(59 * minute), obtainedAt: at(-minute), lifetimeSeconds: 3600 }),
        schedule,
        now,
      ),
    ).toBe(false);
  });

  test('a new token that expires before the next sweep is due', () => {
    expect(
      isDue(
        withMetadata({ expiresAt: at(29 * minute), obtainedAt: at(-minute), lifetimeSeconds: 1800 }),
        schedule,
        now,
      ),
    ).toBe(true);
  });

  test('a token with an unknown issue time is due at once', () => {
    expect(isDue(withMetadata({ obtainedAt: null }), schedule, now)).toBe(true);
  });

  test('a grant that failed, cannot be refreshed or never expires is not due', () => {
    expect(isDue({ ...grant(), status: 'failed' }, schedule, now)).toBe(false);
    expect(isDue(withMetadata({ refreshable: false }), schedule, now)).toBe(false);
    expect(isDue({ ...withMetadata({ expiresAt: null }), lastRefreshAt: now }, schedule, now)).toBe(false);
  });

  test('a grant is due when its refresh token would expire unused, whatever the access token has left', () => {
    expect(isDue(withMetadata({ expiresAt: null, keepAliveAt: at(0) }), schedule, now)).toBe(true);
    expect(
      isDue(withMetadata({ expiresAt: at(400 * hour), obtainedAt: at(-minute), keepAliveAt: at(-1) }), schedule, now),
    ).toBe(true);
    expect(isDue(withMetadata({ expiresAt: at(400 * hour), keepAliveAt: at(1) }), schedule, now)).toBe(false);
    expect(isDue(withMetadata({ refreshable: false, keepAliveAt: at(-1) }), schedule, now)).toBe(false);
    expect(
      nextRefreshAt({ ...withMetadata({ expiresAt: null, keepAliveAt: at(9 * hour) }), lastRefreshAt: now }, schedule),
    ).toEqual(at(9 * hour));
    expect(nextRefreshAt(withMetadata({ expiresAt: at(6 * hour), keepAliveAt: at(9 * hour) }), schedule)).toEqual(
      at(2 * hour),
    );
  });

  test.each([
    { refreshLeft: 3 * hour, age: hour, due: true, means: 'it expires within the window' },
    { refreshLeft: 5 * hour, age: hour, due: false, means: 'it expires later' },
    { refreshLeft: 30 * minute, age: minute, due: true, means: 'the next sweep comes too late' },
    { refreshLeft: hour, age: minute, due: false, means: 'it is new and outlives the next sweep' },
    { refreshLeft: -minute, age: hour, due: false, means: 'it has expired' },
  ])('a grant whose access token lives long is due by its refresh token: $means', ({ refreshLeft, age, due }) => {
    for (const expiresAt of [at(400 * hour), null]) {
      const metadata = { expiresAt, refreshExpiresAt: at(refreshLeft), obtainedAt: at(-age) };
      expect(isDue({ ...withMetadata(metadata), lastRefreshAt: at(-age) }, schedule, now)).toBe(due);
    }
  });

  test('the next refresh is one window before the earlier end of access and refresh token', () => {
    const end = (hours: number | null) => (hours === null ? null : at(hours * hour));
    const ends = (access: number | null, refresh: number | null) => {
      const metadata = { expiresAt: end(access), refreshExpiresAt: end(refresh) };
      return nextRefreshAt({ ...withMetadata(metadata), lastRefreshAt: now }, schedule);
    };
    expect(ends(6, 9)).toEqual(at(2 * hour));
    expect(ends(9, 6)).toEqual(at(2 * hour));
    expect(ends(null, 6)).toEqual(at(2 * hour));
    expect(ends(null, null)).toBeNull();
  });

  test.each([
    { obtainedAt: at(-hour), lastRefreshAt: null, due: true, means: 'never refreshed' },
    { obtainedAt: null, lastRefreshAt: null, due: true, means: 'imported' },
    { obtainedAt: at(-hour), lastRefreshAt: at(-2 * hour), due: true, means: 'authorized again since' },
    { obtainedAt: at(-hour), lastRefreshAt: at(-hour), due: false, means: 'a refresh told no lifetime' },
  ])(
    'a token without expiry is refreshed once, to learn its lifetime: $means',
    ({ obtainedAt, lastRefreshAt, due }) => {
      const grant = { ...withMetadata({ expiresAt: null, obtainedAt }), lastRefreshAt, updatedAt: at(-hour) };
      expect(isDue(grant, schedule, now)).toBe(due);
      expect(nextRefreshAt(grant, schedule)).toEqual(due ? at(-hour) : null);
    },
  );

  test('a refresh token is used at four fifths of its idle limit', () => {
    expect(keepAliveAt(now, 100)).toEqual(at(80 * 24 * hour));
  });

  test.each([
    [60, true],
    [1800, true],
    [2099, true],
    [2101, false],
    [3600, false],
    [null, false],
  ])('a token of %s seconds is short-lived: %s', (lifetimeSeconds, isShort) => {
    const { metadata } = withMetadata({ lifetimeSeconds });
    // The limit is the interval of half an hour plus the soft margin of such a token.
    expect(metadata !== null && isShortLived(metadata, schedule)).toBe(isShort);
  });

  test('the next refresh is one window before expiry, and never before retry_at', () => {
    expect(nextRefreshAt(withMetadata({ expiresAt: at(6 * hour) }), schedule)).toEqual(at(2 * hour));
    expect(nextRefreshAt({ ...withMetadata({ expiresAt: at(6 * hour) }), retryAt: at(3 * hour) }, schedule)).toEqual(
      at(3 * hour),
    );
    expect(nextRefreshAt(withMetadata({ refreshable: false }), schedule)).toBeNull();
  });
});
