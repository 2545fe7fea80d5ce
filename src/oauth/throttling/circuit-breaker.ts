import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { CircuitState, ProviderCaller } from '../../domain/ports/oauth.ts';
import { createEndpointUsers } from './endpoint-users.ts';

export interface CircuitRule {
  /** Consecutive failed calls that open the circuit. */
  failures: number;
  /** How long the circuit stays open before the first trial call. */
  openMs: number;
  /** Trial calls that must succeed, without a failed one between them, before the circuit closes. */
  successes: number;
}

/** Result of a call as evidence about its endpoint; `inconclusive` if it says nothing about the endpoint. */
export type CallOutcome = 'success' | 'failure' | 'inconclusive';

export interface CircuitCaller extends ProviderCaller {
  /** False if a reader waits for the call. */
  inBackground: boolean;
}

export interface CircuitBreaker {
  state(): CircuitState;
  /** Returns how long an open circuit admits no trial call; 0 if one may begin now. */
  trialInMs(rule: CircuitRule): number;
  /** Returns how long calls of the caller are blocked; 0 if it may make one. */
  blockedMs(rule: CircuitRule, caller: CircuitCaller): number;
  /** Counts the caller's connection among those that use the endpoint, although its call is held back. */
  noteHeldBack(caller: CircuitCaller): void;
  /**
   * Starts a call. The caller calls it immediately after blockedMs returned 0, and passes the outcome to the returned
   * function. Without an outcome a half-open circuit blocks every later call.
   */
  begin(rule: CircuitRule, caller: CircuitCaller): (outcome: CallOutcome) => void;
}

export interface CircuitBreakerDeps {
  /** Monotonic milliseconds: a jump of the wall clock must not end or prolong an open circuit. */
  elapsedMs: () => number;
  onChange: (state: CircuitState) => void;
}

/**
 * Pauses of the circuit after which a connection's failure no longer counts against it. With one, it would take every
 * trial; with many, organisations that keep failing would keep the circuit open for it.
 */
const pausesOfFailure = 2;
/** Retry delay for callers blocked by a running trial call, 5 seconds. A shorter one makes them poll. */
const trialRetryMs = 5000;

/**
 * Creates the circuit breaker of one endpoint. It opens after consecutive failures that two organisations saw, or every
 * connection that uses the endpoint. After `openMs` it allows one trial call at a time, and closes after successes. A
 * reader whose connection has not failed itself lately passes as a probe meanwhile, one at a time for each organisation:
 * the failures of others never stop it. The state changes only during a call: without calls an open circuit stays open.
 */
export function createCircuitBreaker({ elapsedMs, onChange }: CircuitBreakerDeps): CircuitBreaker {
  const users = createEndpointUsers(elapsedMs);
  let state: CircuitState = 'closed';
  let changedAt = elapsedMs();
  let changes = 0;
  /** Consecutive failures while closed, successes while half open. */
  let consecutive = 0;
  /** Time of the first of the consecutive failures. */
  let failingSince = 0;
  let isTrialRunning = false;
  const probing = new Set<OrganizationId>();

  function changeTo(next: CircuitState): void {
    state = next;
    changedAt = elapsedMs();
    changes += 1;
    consecutive = 0;
    isTrialRunning = false;
    onChange(next);
  }

  /** A running trial call blocks the next one. */
  function trialBlockedMs({ openMs }: CircuitRule): number {
    if (state === 'half_open') return isTrialRunning ? trialRetryMs : 0;
    return Math.max(0, changedAt + openMs - elapsedMs());
  }

  function mayProbe({ openMs }: CircuitRule, caller: CircuitCaller): boolean {
    const failedAt = users.failedAt(caller) ?? Number.NEGATIVE_INFINITY;
    return !caller.inBackground && failedAt + pausesOfFailure * openMs <= elapsedMs();
  }

  function countClosed(outcome: CallOutcome, { failures }: CircuitRule): void {
    if (outcome === 'success') {
      consecutive = 0;
      return;
    }
    if (consecutive === 0) failingSince = elapsedMs();
    consecutive += 1;
    if (consecutive >= failures && users.agreeOnFailure(failingSince)) changeTo('open');
  }

  function countSuccess({ successes }: CircuitRule): void {
    if (state === 'open') changeTo('half_open');
    consecutive += 1;
    if (consecutive >= successes) changeTo('closed');
  }

  function beginTrial(rule: CircuitRule): (outcome: CallOutcome) => void {
    if (state === 'open') changeTo('half_open');
    isTrialRunning = true;
    const changesAtStart = changes;
    return (outcome) => {
      // A trial that began before the last state change is no evidence for the present state.
      if (changes !== changesAtStart) return;
      isTrialRunning = false;
      // Its calls alone opened the circuit: they must not keep it open for an organisation that was held back meanwhile.
      if (outcome === 'failure') changeTo(users.differOnFailure(failingSince) ? 'closed' : 'open');
      else if (outcome === 'success') countSuccess(rule);
    };
  }

  /** A failed probe blocks its own connection only: each new connection would otherwise keep the circuit open. */
  function beginProbe(rule: CircuitRule, { organizationId }: CircuitCaller): (outcome: CallOutcome) => void {
    probing.add(organizationId);
    return (outcome) => {
      probing.delete(organizationId);
      if (outcome === 'success' && state !== 'closed') countSuccess(rule);
    };
  }

  function beginClosed(rule: CircuitRule): (outcome: CallOutcome) => void {
    const changesAtStart = changes;
    return (outcome) => {
      if (changes === changesAtStart && outcome !== 'inconclusive') countClosed(outcome, rule);
    };
  }

  return {
    state: () => state,
    trialInMs: trialBlockedMs,
    blockedMs(rule, caller) {
      if (state === 'closed') return 0;
      const blockedMs = trialBlockedMs(rule);
      if (blockedMs === 0 || !mayProbe(rule, caller)) return blockedMs;
      return probing.has(caller.organizationId) ? Math.min(blockedMs, trialRetryMs) : 0;
    },
    noteHeldBack: (caller) => users.note(caller),
    begin(rule, caller) {
      users.note(caller);
      let settle: (outcome: CallOutcome) => void;
      if (state === 'closed') settle = beginClosed(rule);
      else if (trialBlockedMs(rule) === 0) settle = beginTrial(rule);
      else settle = beginProbe(rule, caller);
      return (outcome) => {
        if (outcome === 'failure') users.failed(caller);
        if (outcome === 'success') users.succeeded(caller);
        settle(outcome);
      };
    },
  };
}
