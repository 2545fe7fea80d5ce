import { beforeEach, describe, expect, test } from 'vitest';
import {
  type CallOutcome,
  type CircuitBreaker,
  createCircuitBreaker,
} from '../../../../src/oauth/throttling/circuit-breaker.ts';

const rule = { failures: 5, openMs: 60_000, successes: 3 };
let elapsed: number;
let changes: string[];
let breaker: CircuitBreaker;
beforeEach(() => {
  elapsed = 1000;
  changes = [];
  breaker = createCircuitBreaker({ elapsedMs: () => elapsed, onChange: (state) => changes.push(state) });
});

const only = { organizationId: 'acme', connectionId: 'only', inBackground: true };

function call(...outcomes: CallOutcome[]): void {
  for (const outcome of outcomes) {
    expect(breaker.blockedMs(rule, only)).toBe(0);
    breaker.begin(rule, only)(outcome);
  }
}
function open(): void {
  call('failure', 'failure', 'failure', 'failure', 'failure');
}

describe('closed', () => {
  test('a closed circuit opens after the fifth consecutive failure', () => {
    call('failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
    call('failure');
    expect(breaker.state()).toBe('open');
    expect(changes).toEqual(['open']);
  });

  test('a success resets the count of failures', () => {
    call('failure', 'failure', 'failure', 'failure', 'success', 'failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
  });

  test('an inconclusive call does not change the count of failures', () => {
    call('failure', 'failure', 'failure', 'failure', 'inconclusive', 'inconclusive');
    expect(breaker.state()).toBe('closed');
    call('failure');
    expect(breaker.state()).toBe('open');
  });

  test('a closed circuit allows concurrent calls', () => {
    const ends = Array.from({ length: 20 }, () => breaker.begin(rule, only));
    expect(breaker.blockedMs(rule, only)).toBe(0);
    for (const end of ends) end('success');
    expect(changes).toEqual([]);
  });
});

describe('open', () => {
  test('an open circuit blocks calls for a minute and reports the time left', () => {
    open();
    expect(breaker.blockedMs(rule, only)).toBe(60_000);
    elapsed += 59_999;
    expect(breaker.blockedMs(rule, only)).toBe(1);
    elapsed += 1;
    expect(breaker.blockedMs(rule, only)).toBe(0);
    expect(breaker.state()).toBe('open');
  });

  test('calls that began before the circuit opened neither close it nor keep it open longer', () => {
    const earlier = [breaker.begin(rule, only), breaker.begin(rule, only)];
    open();
    elapsed += 30_000;
    earlier[0]?.('success');
    earlier[1]?.('failure');
    expect(breaker.blockedMs(rule, only)).toBe(30_000);
    expect(changes).toEqual(['open']);
  });
});

describe('half open', () => {
  beforeEach(() => {
    open();
    elapsed += 60_000;
  });

  test('a half-open circuit allows one trial call at a time', () => {
    const end = breaker.begin(rule, only);
    expect(breaker.state()).toBe('half_open');
    expect(breaker.blockedMs(rule, only)).toBeGreaterThan(0);
    end('success');
    expect(breaker.blockedMs(rule, only)).toBe(0);
  });

  test('three successful trial calls close the circuit', () => {
    call('success', 'success');
    expect(breaker.state()).toBe('half_open');
    call('success');
    expect(breaker.state()).toBe('closed');
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('one failed trial call opens the circuit for the full time again', () => {
    call('success', 'success', 'failure');
    expect(breaker.state()).toBe('open');
    expect(breaker.blockedMs(rule, only)).toBe(60_000);
  });

  test('an inconclusive trial call lets the next trial begin', () => {
    call('inconclusive', 'success', 'inconclusive', 'success', 'success');
    expect(breaker.state()).toBe('closed');
  });

  test('a circuit that closed again needs five failures to open', () => {
    call('success', 'success', 'success', 'failure', 'failure', 'failure', 'failure');
    expect(breaker.state()).toBe('closed');
  });
});
