import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextRevocationTry } from '../../../../src/broker/revocations/revocation-policy.ts';
import { failureClasses } from '../../../../src/domain/provider-failure.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const createdAt = new Date('2030-01-01T00:00:00Z');
const instantAfter = (ms: number) => new Date(createdAt.getTime() + ms);
const down = { class: 'transient', answered: false, oauthError: null, retryAfterMs: null } as const;

const failures = fc.record({
  class: fc.constantFrom(...failureClasses),
  answered: fc.boolean(),
  oauthError: fc.constantFrom(null, 'invalid_request', 'unsupported_token_type'),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 30 * day })),
});
const states = fc.record({ attempts: fc.integer({ min: 1, max: 5000 }), isClientGone: fc.boolean() });

describe('when a failed revocation is tried again', () => {
  test('a failure in the first week that no repetition is known to be useless for is tried again in 1 minute to 6 hours', () => {
    fc.assert(
      fc.property(failures, states, fc.integer({ min: 0, max: 7 * day - 1 }), (failure, state, age) => {
        const next = nextRevocationTry(failure, { ...state, createdAt }, instantAfter(age));
        const isFinal =
          failure.answered &&
          (['reauthorization', 'configuration'].includes(failure.class) ||
            (failure.class === 'client' && state.isClientGone) ||
            (failure.class !== 'client' && failure.oauthError === 'unsupported_token_type'));
        if (isFinal) return next === null;
        const delay = (next?.getTime() ?? 0) - instantAfter(age).getTime();
        return delay >= minute && delay <= 360 * minute;
      }),
    );
  });

  test('every failed attempt at the age of a week or more is the last one', () => {
    fc.assert(
      fc.property(fc.option(failures), states, fc.integer({ min: 7 * day, max: 70 * day }), (failure, state, age) => {
        expect(nextRevocationTry(failure, { ...state, createdAt }, instantAfter(age))).toBeNull();
      }),
    );
  });

  test('the delay doubles from one minute up to six hours', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((attempts) => {
      const next = nextRevocationTry(down, { attempts, createdAt, isClientGone: true }, createdAt);
      return next && (next.getTime() - createdAt.getTime()) / minute;
    });
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
  });

  test.each([
    [90 * minute, 90],
    [10, 1],
    [30 * day, 360],
  ])('a provider that asks for a pause of %i ms gets it, within the bounds', (retryAfterMs, minutes) => {
    const state = { attempts: 1, createdAt, isClientGone: false };
    const next = nextRevocationTry({ ...down, class: 'throttled', answered: true, retryAfterMs }, state, createdAt);
    expect(next).toEqual(instantAfter(minutes * minute));
  });

  test('a fault on the side of the broker is tried again', () => {
    expect(nextRevocationTry(null, { attempts: 1, createdAt, isClientGone: true }, createdAt)).toEqual(
      instantAfter(minute),
    );
  });
});
