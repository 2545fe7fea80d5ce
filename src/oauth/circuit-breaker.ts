import type { CircuitState } from '../domain/ports/oauth.ts';

export interface CircuitRule {
  /** Failed calls in a row that open it. */
  failures: number;
  openMs: number;
  /** Calls in a row that must succeed, one at a time, before it closes again. */
  successes: number;
}

/** What a call said of its endpoint; `neither` where it said nothing. */
export type CallOutcome = 'success' | 'failure' | 'neither';

export interface CircuitBreaker {
  state(): CircuitState;
  /** How long to stay away; 0 where a call may be made. */
  blockedMs(rule: CircuitRule): number;
  /** Only where blockedMs just answered 0. Must be told how the call ended: while half open nobody else is let through. */
  begin(rule: CircuitRule): (outcome: CallOutcome) => void;
}

export interface CircuitBreakerDeps {
  /** Must not jump with the wall clock. */
  elapsedMs: () => number;
  onChange: (state: CircuitState) => void;
}

/** While the one call that half open allows is under way, the others are told to come back after this long. */
const trialMs = 5000;

/**
 * The breaker of one endpoint. Opens after failures in a row, lets one call at a time through once its pause is over,
 * closes after enough of them in a row succeeded. It changes only when called: one that nobody asks stays open.
 */
export function createCircuitBreaker({ elapsedMs, onChange }: CircuitBreakerDeps): CircuitBreaker {
  let state: CircuitState = 'closed';
  let changedAt = elapsedMs();
  let changes = 0;
  /** Failures while closed, successes while half open. */
  let inARow = 0;
  let isTrying = false;

  function become(next: CircuitState): void {
    state = next;
    changedAt = elapsedMs();
    changes += 1;
    inARow = 0;
    isTrying = false;
    onChange(next);
  }

  function countClosed(outcome: CallOutcome, { failures }: CircuitRule): void {
    inARow = outcome === 'failure' ? inARow + 1 : 0;
    if (inARow >= failures) become('open');
  }

  function countHalfOpen(outcome: CallOutcome, { successes }: CircuitRule): void {
    inARow += 1;
    if (outcome === 'failure') become('open');
    else if (inARow >= successes) become('closed');
  }

  return {
    state: () => state,
    blockedMs({ openMs }) {
      if (state === 'closed') return 0;
      if (state === 'half_open') return isTrying ? trialMs : 0;
      return Math.max(0, changedAt + openMs - elapsedMs());
    },
    begin(rule) {
      if (state === 'open') become('half_open');
      isTrying = state === 'half_open';
      const begunAt = changes;
      return (outcome) => {
        // A call that began before the last change says nothing of what came after it.
        if (changes !== begunAt) return;
        isTrying = false;
        if (outcome === 'neither') return;
        if (state === 'closed') countClosed(outcome, rule);
        else countHalfOpen(outcome, rule);
      };
    },
  };
}
