import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  absoluteLimitMs,
  idleBefore,
  idleLimitMs,
  isOver,
  needsTouch,
  touchEveryMs,
} from '../../../../src/domain/callers/session.ts';

const start = new Date('2030-01-01T00:00:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);

describe('isOver', () => {
  test('a session is over after one hour without a request, not before', () => {
    const session = { createdAt: start, lastSeenAt: start };
    expect(isOver(session, later(60 * 60_000 - 1))).toBe(false);
    expect(isOver(session, later(60 * 60_000))).toBe(true);
  });

  test('a busy session is over twelve hours after its sign-in, not before', () => {
    const session = (now: Date) => ({ createdAt: start, lastSeenAt: now });
    expect(isOver(session(later(12 * 60 * 60_000 - 1)), later(12 * 60 * 60_000 - 1))).toBe(false);
    expect(isOver(session(later(12 * 60 * 60_000)), later(12 * 60 * 60_000))).toBe(true);
  });

  const sometime = fc.integer({ min: 0, max: 2 * absoluteLimitMs });

  test('a session that is over stays over, whatever requests arrive later', () => {
    fc.assert(
      fc.property(sometime, sometime, sometime, (seen, now, more) => {
        const session = { createdAt: start, lastSeenAt: later(Math.min(seen, now)) };
        if (isOver(session, later(now))) expect(isOver(session, later(now + more))).toBe(true);
      }),
    );
  });

  test('maintenance removes only sessions that are over, and each of them an hour after its end', () => {
    fc.assert(
      fc.property(sometime, sometime, (seen, now) => {
        // The last request that is written falls in the life of the session.
        const session = { createdAt: start, lastSeenAt: later(Math.min(seen, now, absoluteLimitMs - 1)) };
        if (session.lastSeenAt < idleBefore(later(now))) expect(isOver(session, later(now))).toBe(true);
        if (isOver(session, later(now))) {
          expect(session.lastSeenAt < idleBefore(later(now + idleLimitMs + 1))).toBe(true);
        }
      }),
    );
  });
});

test('a request writes its time five minutes after the last write, not before', () => {
  expect(touchEveryMs).toBe(5 * 60_000);
  expect(needsTouch({ lastSeenAt: start }, later(5 * 60_000 - 1))).toBe(false);
  expect(needsTouch({ lastSeenAt: start }, later(5 * 60_000))).toBe(true);
});
