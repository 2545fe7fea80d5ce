import { beforeEach, describe, expect, test } from 'vitest';
import { type CallOutcome, type CircuitBreaker, createCircuitBreaker } from '../../../src/oauth/circuit-breaker.ts';

const rule = { failures: 5, openMs: 60_000, successes: 3 };
let elapsed: number;
let seen: string[];
let breaker: CircuitBreaker;
beforeEach(() => {
  elapsed = 1000;
  seen = [];
  breaker = createCircuitBreaker({ elapsedMs: () => elapsed, onChange: (state) => seen.push(state) });
});

function call(...outcomes: CallOutcome[]): void {
  for (const outcome of outcomes) {
    expect(breaker.blockedMs(rule)).toBe(0);
    breaker.begin(rule)(outcome);
  }
}
function open(): void {
  call('failure', 'failure', 'failure', 'failure', 'failure');
}

describe('closed', () => {
  test('it opens with the fifth failure in a row, and not with the fourth', () => {
    call('failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
    call('failure');
    expect(breaker.state()).toBe('open');
    expect(seen).toEqual(['open']);
  });

  test('a success begins the count anew', () => {
    call('failure', 'failure', 'failure', 'failure', 'success', 'failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
  });

  test('a call that said nothing of the endpoint neither counts nor begins the count anew', () => {
    call('failure', 'failure', 'failure', 'failure', 'neither', 'neither');
    expect(breaker.state()).toBe('closed');
    call('failure');
    expect(breaker.state()).toBe('open');
  });

  test('calls at once are all let through', () => {
    const ends = Array.from({ length: 20 }, () => breaker.begin(rule));
    expect(breaker.blockedMs(rule)).toBe(0);
    for (const end of ends) end('success');
    expect(seen).toEqual([]);
  });
});

describe('open', () => {
  test('it lets nothing through for a minute, and says how long', () => {
    open();
    expect(breaker.blockedMs(rule)).toBe(60_000);
    elapsed += 59_999;
    expect(breaker.blockedMs(rule)).toBe(1);
    elapsed += 1;
    expect(breaker.blockedMs(rule)).toBe(0);
    expect(breaker.state()).toBe('open');
  });

  test('calls that began before it opened neither close it nor keep it open longer', () => {
    const late = [breaker.begin(rule), breaker.begin(rule)];
    open();
    elapsed += 30_000;
    late[0]?.('success');
    late[1]?.('failure');
    expect(breaker.blockedMs(rule)).toBe(30_000);
    expect(seen).toEqual(['open']);
  });
});

describe('half open', () => {
  beforeEach(() => {
    open();
    elapsed += 60_000;
  });

  test('one call is let through, and no other until it ended', () => {
    const end = breaker.begin(rule);
    expect(breaker.state()).toBe('half_open');
    expect(breaker.blockedMs(rule)).toBeGreaterThan(0);
    end('success');
    expect(breaker.blockedMs(rule)).toBe(0);
  });

  test('three successes close it', () => {
    call('success', 'success');
    expect(breaker.state()).toBe('half_open');
    call('success');
    expect(breaker.state()).toBe('closed');
    expect(seen).toEqual(['open', 'half_open', 'closed']);
  });

  test('one failure opens it again, for the whole pause', () => {
    call('success', 'success', 'failure');
    expect(breaker.state()).toBe('open');
    expect(breaker.blockedMs(rule)).toBe(60_000);
  });

  test('a call that said nothing lets the next one try', () => {
    call('neither', 'success', 'neither', 'success', 'success');
    expect(breaker.state()).toBe('closed');
  });

  test('closed again, it takes five failures again', () => {
    call('success', 'success', 'success', 'failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
  });
});
