import { beforeEach, describe, expect, test } from 'vitest';
import { type CallSlot, type CallSlots, createCallSlots } from '../../../src/oauth/call-slots.ts';
import { createFakeTime, type FakeTime } from '../../support/fake-time.ts';

let time: FakeTime;
let slots: CallSlots;
beforeEach(() => {
  time = createFakeTime(new Date('2030-01-01T00:00:00Z'));
  slots = createCallSlots(time);
});

/** What came of the asking so far, by who asked. */
function ask(
  name: string,
  into: string[],
  {
    inBackground = false,
    ...limits
  }: Partial<{ concurrency: number; requestsPerMinute: number; inBackground: boolean }>,
) {
  return slots.take({ concurrency: 100, requestsPerMinute: null, ...limits }, 10_000, { inBackground }).then((slot) => {
    into.push(slot === undefined ? `${name} too late` : name);
    return slot;
  });
}
const given = (slot: CallSlot | undefined): CallSlot => {
  if (slot === undefined) throw new Error('no slot');
  return slot;
};

describe('calls at once', () => {
  const limits = { concurrency: 2 };

  test('those beyond the bound wait, first come first served', async () => {
    const log: string[] = [];
    const first = given(await ask('a', log, limits));
    const second = given(await ask('b', log, limits));
    const third = ask('c', log, limits);
    void ask('d', log, limits);
    await time.advance(0);
    expect(log).toEqual(['a', 'b']);
    first.release();
    given(await third);
    second.release();
    await time.advance(0);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
  });

  test('nobody waits longer than it may, and who left takes no place', async () => {
    const log: string[] = [];
    const [a] = [given(await ask('a', log, limits)), given(await ask('b', log, limits))];
    const c = ask('c', log, limits);
    await time.advance(10_000);
    expect(await c).toBeUndefined();
    a?.release();
    await ask('d', log, limits);
    expect(log).toEqual(['a', 'b', 'c too late', 'd']);
    void ask('e', log, limits);
    await time.advance(9999);
    expect(log).toHaveLength(4);
  });
});

describe('those that wait in the background', () => {
  const one = { concurrency: 1 };
  const back = { concurrency: 1, inBackground: true };

  test('let pass whoever does not, and then have their turn in the order they came', async () => {
    const log: string[] = [];
    const first = given(await ask('a', log, back));
    const slots = [ask('back', log, back), ask('last', log, back), ask('front', log, one), ask('next', log, one)];
    first.release();
    for (const next of [slots[2], slots[3], slots[0], slots[1]]) given(await next).release();
    expect(log).toEqual(['a', 'front', 'next', 'back', 'last']);
  });

  test('are in the background no longer when somebody comes who waits for them', async () => {
    const log: string[] = [];
    const first = given(await ask('a', log, one));
    void ask('back', log, back);
    const order = { inBackground: true };
    const hurried = slots.take({ ...one, requestsPerMinute: null }, 10_000, order).then(() => log.push('hurried'));
    order.inBackground = false;
    first.release();
    await hurried;
    expect(log).toEqual(['a', 'hurried']);
  });

  test('wait no longer than others, whoever came in between', async () => {
    const log: string[] = [];
    given(await ask('a', log, one));
    void ask('back', log, back);
    await time.advance(4_000);
    void ask('front', log, one);
    await time.advance(4_000);
    void ask('later', log, back);
    await time.advance(1_999);
    expect(log).toEqual(['a']);
    await time.advance(1);
    expect(log).toEqual(['a', 'back too late']);
    await time.advance(4_000);
    expect(log).toEqual(['a', 'back too late', 'front too late']);
    await time.advance(4_000);
    expect(log).toEqual(['a', 'back too late', 'front too late', 'later too late']);
  });

  test('keep nobody from a place that is free for one who does not', async () => {
    const log: string[] = [];
    given(await ask('a', log, { concurrency: 5 }));
    void ask('narrow', log, back);
    void ask('wide', log, { concurrency: 5, inBackground: true });
    await ask('front', log, { concurrency: 5 });
    expect(log).toEqual(['a', 'front']);
  });
});

describe('one who comes the moment the last who waited was served', () => {
  test('is sent away in time like any other', async () => {
    const log: string[] = [];
    const a = given(await ask('a', log, { concurrency: 1 }));
    const b = ask('b', log, { concurrency: 1 });
    await time.advance(0);
    a.release();
    const c = ask('c', log, { concurrency: 1 });
    given(await b);
    await time.advance(10_000);
    expect(await c).toBeUndefined();
    expect(log).toEqual(['a', 'b', 'c too late']);
  });
});

describe('requests in a minute', () => {
  const limits = { requestsPerMinute: 3 };

  test('no more begin in any minute than the endpoint bears', async () => {
    const log: string[] = [];
    await ask('a', log, limits);
    await time.advance(55_000);
    await ask('b', log, limits);
    await ask('c', log, limits);
    const waiting = [ask('d', log, limits), ask('e', log, limits)];
    await time.advance(4999);
    expect(log).toEqual(['a', 'b', 'c', 'e too late']);
    await time.advance(1);
    expect(log).toEqual(['a', 'b', 'c', 'e too late', 'd']);
    await Promise.all(waiting);
  });

  test('what a call repeats counts too', async () => {
    const log: string[] = [];
    const slot = given(await ask('a', log, limits));
    slot.countAnother();
    slot.countAnother();
    expect(await ask('b', log, limits)).toBeUndefined();
  });

  test('who comes too late for its turn gives its place back', async () => {
    const log: string[] = [];
    given(await ask('a', log, { concurrency: 1, requestsPerMinute: 1 })).release();
    expect(await ask('b', log, { concurrency: 1, requestsPerMinute: 1 })).toBeUndefined();
    expect(await ask('c', log, { concurrency: 1 })).toBeDefined();
  });
});
