import { beforeEach, describe, expect, test } from 'vitest';
import { type CallLimiter, type CallPermit, createCallLimiter } from '../../../../src/oauth/throttling/call-limiter.ts';
import { createFakeTime, type FakeTime } from '../../../support/engine/fake-time.ts';

let time: FakeTime;
let limiter: CallLimiter;
beforeEach(() => {
  time = createFakeTime(new Date('2030-01-01T00:00:00Z'));
  limiter = createCallLimiter(time);
});

/** Takes a permit and logs the name when the wait ends, with "too late" if there is no permit. */
function take(
  name: string,
  log: string[],
  {
    inBackground = false,
    organizationId = 'acme',
    ...limits
  }: Partial<{ concurrency: number; requestsPerMinute: number; inBackground: boolean; organizationId: string }>,
) {
  const allLimits = { concurrency: 100, requestsPerMinute: null, ...limits };
  return limiter.take(allLimits, 10_000, { organizationId, priority: { inBackground } }).then((permit) => {
    log.push(permit === undefined ? `${name} too late` : name);
    return permit;
  });
}
const required = (permit: CallPermit | undefined): CallPermit => {
  if (permit === undefined) throw new Error('no permit');
  return permit;
};

describe('concurrent calls', () => {
  const limits = { concurrency: 2 };

  test('calls beyond the concurrency limit wait in the order of arrival', async () => {
    const log: string[] = [];
    const first = required(await take('a', log, limits));
    const second = required(await take('b', log, limits));
    const third = take('c', log, limits);
    void take('d', log, limits);
    await time.advance(0);
    expect(log).toEqual(['a', 'b']);
    first.release();
    required(await third);
    second.release();
    await time.advance(0);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a call waits no longer than its limit, and then takes no place', async () => {
    const log: string[] = [];
    const [a] = [required(await take('a', log, limits)), required(await take('b', log, limits))];
    const c = take('c', log, limits);
    await time.advance(10_000);
    expect(await c).toBeUndefined();
    a?.release();
    await take('d', log, limits);
    expect(log).toEqual(['a', 'b', 'c too late', 'd']);
    void take('e', log, limits);
    await time.advance(9999);
    expect(log).toHaveLength(4);
  });
});

describe('background calls', () => {
  const one = { concurrency: 1 };
  const back = { concurrency: 1, inBackground: true };

  test('background calls yield to foreground calls, then run in the order of arrival', async () => {
    const log: string[] = [];
    const first = required(await take('a', log, back));
    const permits = [take('back', log, back), take('last', log, back), take('front', log, one), take('next', log, one)];
    first.release();
    for (const next of [permits[2], permits[3], permits[0], permits[1]]) required(await next).release();
    expect(log).toEqual(['a', 'front', 'next', 'back', 'last']);
  });

  test('a waiting background call moves ahead when a caller starts to wait for it', async () => {
    const log: string[] = [];
    const first = required(await take('a', log, one));
    void take('back', log, back);
    const priority = { inBackground: true };
    const caller = { organizationId: 'acme', priority };
    const urgent = limiter.take({ ...one, requestsPerMinute: null }, 10_000, caller).then(() => log.push('urgent'));
    priority.inBackground = false;
    first.release();
    await urgent;
    expect(log).toEqual(['a', 'urgent']);
  });

  test('a background call waits no longer than its limit while foreground calls arrive', async () => {
    const log: string[] = [];
    required(await take('a', log, one));
    void take('back', log, back);
    await time.advance(4_000);
    void take('front', log, one);
    await time.advance(4_000);
    void take('later', log, back);
    await time.advance(1_999);
    expect(log).toEqual(['a']);
    await time.advance(1);
    expect(log).toEqual(['a', 'back too late']);
    await time.advance(4_000);
    expect(log).toEqual(['a', 'back too late', 'front too late']);
    await time.advance(4_000);
    expect(log).toEqual(['a', 'back too late', 'front too late', 'later too late']);
  });

  test('a waiting background call does not keep another call from a free place', async () => {
    const log: string[] = [];
    required(await take('a', log, { concurrency: 5 }));
    void take('narrow', log, back);
    await take('wide', log, { concurrency: 5, inBackground: true });
    await take('front', log, { concurrency: 5 });
    expect(log).toEqual(['a', 'wide', 'front']);
  });

  test('every fourth place goes to a background call while readers wait', async () => {
    const log: string[] = [];
    const first = required(await take('a', log, one));
    const waiting = [take('back', log, back), ...[1, 2, 3, 4, 5].map((n) => take(`front ${n}`, log, one))];
    for (const permit of waiting) void permit.then((taken) => taken?.release());
    first.release();
    await Promise.all(waiting);
    expect(log).toEqual(['a', 'front 1', 'front 2', 'front 3', 'back', 'front 4', 'front 5']);
  });
});

test('a call that starts to wait immediately after the last waiting call was permitted still times out', async () => {
  const log: string[] = [];
  const a = required(await take('a', log, { concurrency: 1 }));
  const b = take('b', log, { concurrency: 1 });
  await time.advance(0);
  a.release();
  const c = take('c', log, { concurrency: 1 });
  required(await b);
  await time.advance(10_000);
  expect(await c).toBeUndefined();
  expect(log).toEqual(['a', 'b', 'c too late']);
});

describe('requests per minute', () => {
  const limits = { requestsPerMinute: 3 };

  test('no more requests begin in any minute than the limit allows', async () => {
    const log: string[] = [];
    await take('a', log, limits);
    await time.advance(55_000);
    await take('b', log, limits);
    await take('c', log, limits);
    const waiting = [take('d', log, limits), take('e', log, limits)];
    await time.advance(4999);
    expect(log).toEqual(['a', 'b', 'c']);
    await time.advance(1);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    await time.advance(5000);
    expect(log).toEqual(['a', 'b', 'c', 'd', 'e too late']);
    await Promise.all(waiting);
  });

  test('a call whose turn cannot come in time is refused at once', async () => {
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) required(await take(name, log, limits)).release();
    expect(await take('d', log, limits)).toBeUndefined();
  });

  test('a call that waits for its turn of the minute holds no place', async () => {
    const log: string[] = [];
    required(await take('a', log, { concurrency: 1, requestsPerMinute: 1 })).release();
    await time.advance(55_000);
    void take('b', log, { concurrency: 1, requestsPerMinute: 1 });
    required(await take('c', log, { concurrency: 1 })).release();
    await time.advance(5000);
    expect(log).toEqual(['a', 'c', 'b']);
  });
});
