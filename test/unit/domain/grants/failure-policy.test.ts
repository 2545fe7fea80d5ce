import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailureHistory, lastErrorOf, noFailures } from '../../../../src/domain/grants/failure-history.ts';
import { effectOfFailure } from '../../../../src/domain/grants/failure-policy.ts';
import type { FailureClass, ProviderFailureFacts } from '../../../../src/domain/provider-failure.ts';
import { someMetadata } from '../../../support/builders/grant.ts';
import { aProviderFailure } from '../../../support/builders/provider.ts';

const start = new Date('2026-01-01T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const at = (ms: number) => new Date(start.getTime() + ms);

interface Tried extends FailureHistory {
  status: 'completed' | 'failed';
}
const fresh: Tried = { ...noFailures, status: 'completed', metadata: someMetadata({ expiresAt: at(12 * hour) }) };
const expired: Tried = { ...fresh, metadata: someMetadata({ expiresAt: at(-1) }) };

/** Applies a failure to a grant as the store does. */
function afterFailure(grant: Tried, facts: Partial<ProviderFailureFacts>, now: Date, interrupted = false): Tried {
  const failure = aProviderFailure(facts);
  const { failed, retryAt, run } = effectOfFailure(grant, failure.facts, interrupted, now);
  const since = { stays: grant.failingSince, restarts: now, grows: grant.failingSince ?? now };
  return {
    ...grant,
    ...(failed !== null && { status: 'failed', statusReason: failed }),
    retryAt,
    failingSince: since[run],
    lastError: lastErrorOf(grant, failure, now) ?? grant.lastError,
  };
}

/** Lets every try fail at its retry date. Returns the minutes between the tries, and the last grant. */
function failAgain(grant: Tried, facts: Partial<ProviderFailureFacts>, tries: number, from = start) {
  const pauses: (number | null)[] = [];
  let now = from;
  let current = grant;
  for (let tried = 0; tried < tries; tried += 1) {
    current = afterFailure(current, facts, now);
    pauses.push(current.retryAt && (current.retryAt.getTime() - now.getTime()) / minute);
    if (current.retryAt === null) break;
    now = current.retryAt;
  }
  return { pauses, grant: current, now };
}

describe('a refused refresh token', () => {
  test('it fails the grant at once, is tried after 5 minutes, 1 hour and 24 hours, and then never', () => {
    const { pauses, grant } = failAgain(fresh, { class: 'reauthorization' }, 9);
    expect(pauses).toEqual([5, 55, 23 * 60, null]);
    expect(grant).toMatchObject({ status: 'failed', statusReason: 'reauthorization_required', retryAt: null });
    expect(grant.lastError).toMatchObject({ class: 'reauthorization', attempts: 4 });
  });

  test('a refusal after an answer that was lost in the same call is rotation_interrupted', () => {
    const grant = afterFailure(fresh, { class: 'reauthorization', lost: true }, start);
    expect(grant.statusReason).toBe('rotation_interrupted');
  });

  test('a refusal after a response that may have been lost is rotation_interrupted, and stays so', () => {
    const first = afterFailure(fresh, { class: 'reauthorization' }, start, true);
    expect(first).toMatchObject({ statusReason: 'rotation_interrupted', retryAt: at(5 * minute) });
    expect(afterFailure(first, { class: 'reauthorization' }, at(5 * minute)).statusReason).toBe('rotation_interrupted');
  });

  test('a refresh on demand in between neither uses up nor adds a try', () => {
    const first = afterFailure(fresh, { class: 'reauthorization' }, start);
    const onDemand = afterFailure(first, { class: 'reauthorization' }, at(2 * minute));
    expect(onDemand.retryAt).toEqual(at(5 * minute));
    const over = failAgain(fresh, { class: 'reauthorization' }, 9).grant;
    expect(afterFailure(over, { class: 'reauthorization' }, at(30 * day)).retryAt).toBeNull();
  });

  test.each<FailureClass>(['transient', 'throttled', 'unknown', 'client', 'configuration', 'refused'])(
    'a %s failure of a later try keeps the reason, delays the try, and revives nothing that is over',
    (failureClass) => {
      const first = afterFailure(fresh, { class: 'reauthorization' }, start);
      const met = afterFailure(first, { class: failureClass }, at(5 * minute));
      expect(met).toMatchObject({ status: 'failed', statusReason: 'reauthorization_required' });
      expect(met.retryAt?.getTime()).toBeGreaterThan(at(5 * minute).getTime());
      const over = failAgain(fresh, { class: 'reauthorization' }, 9).grant;
      expect(afterFailure(over, { class: failureClass }, at(2 * day)).retryAt).toBeNull();
    },
  );
});

describe('a refused client', () => {
  test('the grant is tried after 1, 5 and 15 minutes, then hourly, and stays completed while its token lives', () => {
    const { pauses, grant } = failAgain(fresh, { class: 'client' }, 6);
    expect(pauses).toEqual([1, 5, 15, 60, 60, 60]);
    expect(grant).toMatchObject({ status: 'completed', statusReason: null });
  });

  test('the grant fails as client_rejected once its token has expired, and is tried at that moment', () => {
    const soon = { ...fresh, metadata: someMetadata({ expiresAt: at(30_000) }) };
    const { grant, now, pauses } = failAgain(soon, { class: 'client' }, 2);
    expect(pauses).toEqual([0.5, 5]);
    expect(now).toEqual(at(30_000 + 5 * minute));
    expect(grant).toMatchObject({ status: 'failed', statusReason: 'client_rejected' });
    expect(afterFailure(expired, { class: 'client' }, start)).toMatchObject({ statusReason: 'client_rejected' });
    expect(afterFailure({ ...fresh, metadata: null }, { class: 'client' }, start).statusReason).toBe('client_rejected');
  });

  test('a token without an expiry lives', () => {
    const endless = { ...fresh, metadata: someMetadata({ expiresAt: null }) };
    expect(failAgain(endless, { class: 'client' }, 30).grant.status).toBe('completed');
  });
});

describe('a refusal that is not understood', () => {
  test('the grant is tried after 1, 5 and 30 minutes, then hourly; five over an hour fail it', () => {
    const { pauses } = failAgain(fresh, { class: 'unknown' }, 6);
    expect(pauses).toEqual([1, 5, 30, 60, 60, 60]);
    expect(failAgain(fresh, { class: 'unknown' }, 4).grant.status).toBe('completed');
    expect(failAgain(fresh, { class: 'unknown' }, 5).grant.statusReason).toBe('provider_rejected');
  });

  test('five within less than an hour fail nothing', () => {
    let grant = fresh;
    for (let tried = 0; tried < 9; tried += 1) grant = afterFailure(grant, { class: 'unknown' }, at(tried * minute));
    expect(grant.status).toBe('completed');
    expect(afterFailure(grant, { class: 'unknown' }, at(hour)).statusReason).toBe('provider_rejected');
  });
});

describe('failures that say nothing about the grant', () => {
  test('a day of outages alone fails the grant, which is then tried daily', () => {
    const early = failAgain(fresh, { class: 'transient' }, 90);
    expect(early.now.getTime()).toBeLessThan(at(day).getTime());
    expect(early.grant.status).toBe('completed');
    const ended = afterFailure(early.grant, { class: 'transient' }, at(day));
    expect(ended).toMatchObject({ statusReason: 'provider_rejected', retryAt: at(2 * day) });
    expect(afterFailure(ended, { class: 'transient' }, at(2 * day)).retryAt).toEqual(at(3 * day));
  });

  test('few outages within more than a day fail nothing', () => {
    let grant = fresh;
    for (let tried = 0; tried < 9; tried += 1) grant = afterFailure(grant, { class: 'transient' }, at(tried * day));
    expect(grant.status).toBe('completed');
  });

  test.each<FailureClass>(['unknown', 'client', 'throttled'])('a %s failure in between restarts the day', (other) => {
    const { grant } = failAgain(fresh, { class: 'transient' }, 90);
    const restarted = afterFailure(
      afterFailure(grant, { class: other }, at(day)),
      { class: 'transient' },
      at(day + hour),
    );
    expect(restarted).toMatchObject({ failingSince: at(day + hour), lastError: { attempts: 1 } });
  });

  test('the pause grows from 30 seconds to a quarter of an hour, and is never shorter than Retry-After', () => {
    const pauses = failAgain(fresh, { class: 'transient', httpStatus: 503 }, 8).pauses;
    expect(pauses).toEqual([0.5, 1, 2, 4, 8, 15, 15, 15]);
    expect(afterFailure(fresh, { class: 'transient', retryAfterMs: 120_000 }, start).retryAt).toEqual(at(120_000));
  });

  test.each([{ answered: false }, { httpStatus: 502 }, { httpStatus: 504 }])(
    'a refresh whose response was lost is tried again after 20 seconds and 2 minutes: %j',
    (facts) => {
      const { pauses } = failAgain(fresh, { class: 'transient', sent: true, ...facts }, 3);
      expect(pauses).toEqual([20 / 60, 2, 2]);
    },
  );

  test('Retry-After of a throttled call is honoured up to a quarter of an hour', () => {
    for (const [asked, given] of [
      [90_000, 90_000],
      [day, 15 * minute],
    ] as const)
      expect(afterFailure(fresh, { class: 'throttled', retryAfterMs: asked }, start)).toMatchObject({
        status: 'completed',
        retryAt: at(given),
      });
  });

  test('a call that was held back changes nothing but the retry date', () => {
    const held = { class: 'transient', sent: false, answered: false, retryAfterMs: minute } as const;
    const { grant } = failAgain(fresh, { class: 'client' }, 2);
    expect(afterFailure(grant, held, at(hour))).toEqual({ ...grant, retryAt: at(hour + minute) });
    expect(afterFailure(fresh, { ...held, retryAfterMs: hour }, start).retryAt).toEqual(at(15 * minute));
    expect(lastErrorOf(grant, aProviderFailure(held), start)).toBeNull();
  });
});

test('a refused configuration fails the grant, which is tried daily whatever a try meets', () => {
  const { pauses, grant } = failAgain(expired, { class: 'configuration' }, 3);
  expect(pauses).toEqual([24 * 60, 24 * 60, 24 * 60]);
  expect(grant.statusReason).toBe('configuration_rejected');
  for (const failureClass of ['transient', 'throttled'] as const)
    expect(afterFailure(grant, { class: failureClass, retryAfterMs: 1000 }, start).retryAt).toEqual(at(day));
});

test('after any failures a failed grant keeps its reason or gets a closed one, and no pause is longer than a day', () => {
  const classes = [
    'client',
    'configuration',
    'reauthorization',
    'refused',
    'throttled',
    'transient',
    'unknown',
  ] as const;
  const step = fc.record({
    class: fc.constantFrom<FailureClass>(...classes),
    wait: fc.integer({ min: 0, max: 2 * day }),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 10 * day })),
    sent: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let grant = fresh;
      let now = start;
      let isRefused = false;
      for (const { wait, ...facts } of steps) {
        now = new Date(now.getTime() + wait);
        grant = afterFailure(grant, facts, now);
        isRefused ||= facts.class === 'reauthorization' && (facts.sent || facts.retryAfterMs === null);
        if (isRefused) expect(grant.statusReason).toBe('reauthorization_required');
        if (grant.retryAt !== null) expect(grant.retryAt.getTime() - now.getTime()).toBeLessThanOrEqual(day);
        else expect(isRefused).toBe(true);
      }
    }),
  );
});
