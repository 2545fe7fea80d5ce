import { describe, expect, test } from 'vitest';
import type { Grant } from '../../../src/domain/grant.ts';
import type { FailureClass, ProviderFailureFacts } from '../../../src/domain/provider-failure.ts';
import {
  effectOfFailure,
  isDue,
  isShortLived,
  keepAliveAt,
  nextRefreshAt,
} from '../../../src/domain/refresh-policy.ts';

const now = new Date('2026-01-01T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const schedule = { intervalMs: 30 * minute, windowMs: 4 * hour };
const at = (ms: number) => new Date(now.getTime() + ms);

function grant(over: Partial<Grant> = {}): Grant {
  return {
    id: 'g',
    connectionId: 'c',
    organizationId: null,
    subject: null,
    accountId: null,
    accountName: null,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: new Uint8Array([1]),
    facts: {
      expiresAt: at(3 * hour),
      refreshExpiresAt: null,
      obtainedAt: at(-hour),
      lifetimeSeconds: 14_400,
      refreshable: true,
      scopes: [],
    },
    requestedScopes: [],
    version: 1,
    leaseOwner: null,
    leaseUntil: null,
    refreshStartedAt: null,
    consecutiveFailures: 0,
    failingSince: null,
    retryAt: null,
    lastRefreshAt: null,
    lastTestAt: null,
    health: null,
    healthError: null,
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    ...over,
  };
}

function failure(failureClass: FailureClass, retryAfterMs: number | null = null): ProviderFailureFacts {
  return { class: failureClass, sent: true, answered: true, oauthError: null, httpStatus: null, retryAfterMs };
}

function withFacts(facts: Partial<NonNullable<Grant['facts']>>): Grant {
  const base = grant();
  return { ...base, facts: base.facts === null ? null : { ...base.facts, ...facts } };
}

describe('what the sweep takes up', () => {
  test('a grant that expires within the window, and not one that expires after it', () => {
    expect(isDue(withFacts({ expiresAt: at(3 * hour) }), schedule, now)).toBe(true);
    expect(isDue(withFacts({ expiresAt: at(5 * hour) }), schedule, now)).toBe(false);
  });

  test('not a fresh one-hour token that outlives the next sweep', () => {
    expect(
      isDue(withFacts({ expiresAt: at(59 * minute), obtainedAt: at(-minute), lifetimeSeconds: 3600 }), schedule, now),
    ).toBe(false);
  });

  test('a fresh token that would not live to see the next sweep', () => {
    expect(
      isDue(withFacts({ expiresAt: at(29 * minute), obtainedAt: at(-minute), lifetimeSeconds: 1800 }), schedule, now),
    ).toBe(true);
  });

  test('an imported token at once: when it was issued is unknown', () => {
    expect(isDue(withFacts({ obtainedAt: null }), schedule, now)).toBe(true);
  });

  test('nothing that failed, cannot be refreshed, or never expires', () => {
    expect(isDue({ ...grant(), status: 'failed' }, schedule, now)).toBe(false);
    expect(isDue(withFacts({ refreshable: false }), schedule, now)).toBe(false);
    expect(isDue(withFacts({ expiresAt: null }), schedule, now)).toBe(false);
  });

  test('a grant whose refresh token would die of disuse, whatever its access token has left', () => {
    expect(isDue(withFacts({ expiresAt: null, keepAliveAt: at(0) }), schedule, now)).toBe(true);
    expect(
      isDue(withFacts({ expiresAt: at(400 * hour), obtainedAt: at(-minute), keepAliveAt: at(-1) }), schedule, now),
    ).toBe(true);
    expect(isDue(withFacts({ expiresAt: at(400 * hour), keepAliveAt: at(1) }), schedule, now)).toBe(false);
    expect(isDue(withFacts({ refreshable: false, keepAliveAt: at(-1) }), schedule, now)).toBe(false);
    expect(nextRefreshAt(withFacts({ expiresAt: null, keepAliveAt: at(9 * hour) }), schedule)).toEqual(at(9 * hour));
    expect(nextRefreshAt(withFacts({ expiresAt: at(6 * hour), keepAliveAt: at(9 * hour) }), schedule)).toEqual(
      at(2 * hour),
    );
  });

  test('with days to spare before a refresh token dies of disuse', () => {
    expect(keepAliveAt(now, 100)).toEqual(at(80 * 24 * hour));
  });

  test.each([
    [60, true],
    [1800, true],
    [2099, true],
    [2101, false],
    [3600, false],
    [null, false],
  ])('and leaves a token of %s seconds to a job of its own: %s', (lifetimeSeconds, isShort) => {
    const { facts } = withFacts({ lifetimeSeconds });
    // Half an hour, and the margin of a token that lives a little longer.
    expect(facts !== null && isShortLived(facts, schedule)).toBe(isShort);
  });

  test('is announced as next_refresh_at, never before retry_at', () => {
    expect(nextRefreshAt(withFacts({ expiresAt: at(6 * hour) }), schedule)).toEqual(at(2 * hour));
    expect(nextRefreshAt({ ...withFacts({ expiresAt: at(6 * hour) }), retryAt: at(3 * hour) }, schedule)).toEqual(
      at(3 * hour),
    );
    expect(nextRefreshAt(withFacts({ refreshable: false }), schedule)).toBeNull();
  });
});

describe('what a failure does to a grant', () => {
  test.each([
    ['reauthorization', 'reauthorization_required', null],
    ['client', 'client_rejected', null],
    ['configuration', 'configuration_rejected', at(24 * hour)],
  ] as const)('%s ends it as %s', (failureClass, failed, retryAt) => {
    expect(effectOfFailure(grant(), failure(failureClass), false, now)).toMatchObject({ failed, retryAt });
  });

  test('invalid_grant after an answer that may have been lost is called what it is', () => {
    const effect = effectOfFailure(grant(), failure('reauthorization'), true, now);
    expect(effect).toMatchObject({ failed: 'rotation_interrupted', retryAt: null });
  });

  test.each(['transient', 'unknown', 'refused'] as const)(
    '%s leaves it completed, to be retried later each time',
    (failureClass) => {
      expect(effectOfFailure(grant(), failure(failureClass), false, now)).toMatchObject({
        failed: null,
        retryAt: at(30_000),
      });
      expect(effectOfFailure(grant({ consecutiveFailures: 3 }), failure(failureClass), false, now).retryAt).toEqual(
        at(240_000),
      );
      const often = grant({ consecutiveFailures: 90, failingSince: at(-hour) });
      expect(effectOfFailure(often, failure(failureClass), false, now)).toMatchObject({
        failed: null,
        retryAt: at(15 * minute),
      });
    },
  );

  test('a Retry-After that comes with another failure is the time of the next call too', () => {
    expect(effectOfFailure(grant(), failure('transient', 120_000), false, now).retryAt).toEqual(at(120_000));
  });

  test('Retry-After is honoured up to a quarter of an hour', () => {
    expect(effectOfFailure(grant(), failure('throttled', 90_000), false, now)).toMatchObject({
      failed: null,
      retryAt: at(90_000),
    });
    expect(effectOfFailure(grant(), failure('throttled', 24 * hour), false, now)).toMatchObject({
      failed: null,
      retryAt: at(15 * minute),
    });
  });
});

describe('a grant that is tried daily', () => {
  const dead = { status: 'failed', statusReason: 'configuration_rejected' } as const;

  test.each(['transient', 'unknown', 'throttled'] as const)(
    'is not asked for more often because a try met %s',
    (failureClass) => {
      expect(effectOfFailure(grant(dead), failure(failureClass, 1000), false, now).retryAt).toEqual(at(24 * hour));
      const rejected = grant({ ...dead, statusReason: 'provider_rejected' });
      expect(effectOfFailure(rejected, failure(failureClass), false, now).retryAt).toEqual(at(24 * hour));
    },
  );

  test('has its try when a call that was held back can be made', () => {
    const held = { ...failure('transient', 60_000), sent: false, answered: false };
    expect(effectOfFailure(grant(dead), held, false, now).retryAt).toEqual(at(60_000));
  });

  test('another failed one is tried again soon: a client whose first token met an outage', () => {
    const first = grant({ status: 'failed', statusReason: 'exchange_failed' });
    expect(effectOfFailure(first, failure('transient'), false, now).retryAt).toEqual(at(30_000));
  });
});

describe('giving up', () => {
  const aDay = grant({ consecutiveFailures: 48, failingSince: at(-24 * hour) });

  test.each(['transient', 'unknown', 'refused'] as const)(
    'a day of nothing but failures like %s ends it, to be tried daily',
    (failureClass) => {
      const effect = effectOfFailure(aDay, failure(failureClass), false, now);
      expect(effect).toMatchObject({ failed: 'provider_rejected', retryAt: at(24 * hour) });
    },
  );

  test('neither many failures in less than a day nor few in more do', () => {
    const many = grant({ consecutiveFailures: 500, failingSince: at(1 - 24 * hour) });
    expect(effectOfFailure(many, failure('unknown'), false, now).failed).toBeNull();
    const few = grant({ consecutiveFailures: 8, failingSince: at(-48 * hour) });
    expect(effectOfFailure(few, failure('unknown'), false, now).failed).toBeNull();
    expect(effectOfFailure({ ...few, consecutiveFailures: 9 }, failure('unknown'), false, now).failed).toBe(
      'provider_rejected',
    );
  });

  test('an answer of another kind begins the day anew', () => {
    expect(effectOfFailure(aDay, failure('transient'), false, now).run).toBe('grows');
    expect(effectOfFailure(aDay, failure('throttled'), false, now)).toMatchObject({ failed: null, run: 'restarts' });
    expect(effectOfFailure(aDay, failure('configuration'), false, now).run).toBe('restarts');
  });

  test.each(['transient', 'throttled'] as const)(
    'a call held back as %s neither ends a grant nor counts, and waits as long as it was told',
    (failureClass) => {
      const held = { ...failure(failureClass, 60_000), sent: false, answered: false };
      expect(effectOfFailure(aDay, held, false, now)).toEqual({ failed: null, retryAt: at(60_000), run: 'stays' });
      expect(effectOfFailure(aDay, { ...held, retryAfterMs: hour }, false, now).retryAt).toEqual(at(15 * minute));
    },
  );

  test('a provider that cannot be reached is not a call held back', () => {
    const unreachable = { ...failure('transient'), sent: false, answered: false };
    expect(effectOfFailure(aDay, unreachable, false, now)).toMatchObject({ failed: 'provider_rejected', run: 'grows' });
  });
});
