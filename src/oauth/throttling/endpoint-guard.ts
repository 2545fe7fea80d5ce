import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { CallPriority, EndpointCircuit, ProviderCaller } from '../../domain/ports/oauth.ts';
import { type FailureClass, ProviderFailure, type ProviderFailureFacts } from '../../domain/provider-failure.ts';
import { heldBack } from '../../outbound/network-failure.ts';
import { createCallLimiter, type Sleep } from './call-limiter.ts';
import { type CallOutcome, type CircuitRule, createCircuitBreaker } from './circuit-breaker.ts';
import type { ClientPauses } from './client-pauses.ts';

export interface EndpointGuardDeps {
  pauses: ClientPauses;
  callCapMs: number;
  /** Maximum concurrent calls to an endpoint if the template declares none. */
  concurrency: number;
  now: () => Date;
  /** Monotonic milliseconds: a jump of the wall clock must not change pauses or open circuits. */
  elapsedMs: () => number;
  sleep: Sleep;
  onCircuitChange: (circuit: EndpointCircuit) => void;
}

export interface GuardedCaller extends ProviderCaller {
  template: Pick<ProviderTemplate, 'circuit' | 'limits'>;
  priority: CallPriority;
}

/** Sends one request of a guarded call. Waits for a place before, and holds it only while the request runs. */
export type SendInTurn = <T>(request: () => Promise<T>) => Promise<T>;

export interface EndpointGuard {
  /**
   * Runs a call, whose requests all go through `send`. Throws an unsent ProviderFailure while the endpoint fails, has
   * requested a pause, or has no free place in time. A call that pauses between its requests holds no place.
   */
  call<T>(caller: GuardedCaller, make: (send: SendInTurn) => Promise<T>): Promise<T>;
  /** Returns the failure with which `call` would hold the caller's call back now. Changes nothing. */
  blocked(caller: GuardedCaller): ProviderFailure | undefined;
  circuit(): EndpointCircuit;
}

/**
 * Share of the call cap that a request may wait for its place. With a larger share, the cap could end a refresh after
 * it was sent, and its refresh token may be spent.
 */
const waitShare = 1 / 3;
/** Retry delay for a call that found no place, 5 seconds. A shorter one adds calls to a busy endpoint. */
const busyRetryMs = 5000;
/** One minute open after five failures spares a failing endpoint; three successes show that it works again. */
const defaultCircuit = { failures: 5, openSeconds: 60, successes: 3 };

/**
 * Evidence of a failure about the endpoint. A refusal proves that the endpoint works. A 429 concerns only the client.
 * A call that our own rules refused never reached the endpoint.
 */
const outcomeOfFailure = {
  transient: 'failure',
  reauthorization: 'success',
  client: 'success',
  configuration: 'success',
  unknown: 'success',
  throttled: 'inconclusive',
  refused: 'inconclusive',
} as const satisfies Record<FailureClass, CallOutcome>;

/** Guards one token endpoint in this process with its circuit breaker, call limiter and client pauses. */
export function createEndpointGuard(endpoint: string, deps: EndpointGuardDeps): EndpointGuard {
  const { pauses, callCapMs, concurrency, now, elapsedMs, onCircuitChange } = deps;
  let since = now();
  const onChange = () => {
    since = now();
    onCircuitChange(circuit());
  };
  const breaker = createCircuitBreaker({ elapsedMs, onChange });
  const limiter = createCallLimiter(deps);
  /** Rule of the last call. Connections of one endpoint may have templates with different rules. */
  let lastRule = ruleOf({ failures: null, openSeconds: null, successes: null });
  const circuit = (): EndpointCircuit => {
    const state = breaker.state();
    const retryAt = state === 'open' ? new Date(now().getTime() + breaker.trialInMs(lastRule)) : null;
    return { endpoint, state, since, retryAt };
  };

  function blocked(rule: CircuitRule, caller: GuardedCaller): ProviderFailure | undefined {
    const pausedMs = pauses.leftMs(endpoint, caller);
    if (pausedMs > 0) return paused(pausedMs);
    const blockedMs = breaker.blockedMs(rule, circuitCaller(caller));
    return blockedMs > 0 ? failing(blockedMs) : undefined;
  }

  function refuseWhileBlocked(rule: CircuitRule, caller: GuardedCaller): void {
    const failure = blocked(rule, caller);
    if (failure === undefined) return;
    breaker.noteHeldBack(circuitCaller(caller));
    throw failure;
  }

  async function inTurn<T>(caller: GuardedCaller, begin: () => void, request: () => Promise<T>): Promise<T> {
    const { concurrency: declared, requestsPerMinute } = caller.template.limits;
    const limits = { concurrency: declared ?? concurrency, requestsPerMinute };
    const permit = await limiter.take(limits, callCapMs * waitShare, caller);
    if (permit === undefined) throw busy();
    try {
      begin();
      return await request();
    } finally {
      // Released after the call has ended: its failure may open the circuit for the next request in the queue.
      setImmediate(permit.release);
    }
  }

  return {
    circuit,
    blocked: (caller) => blocked(ruleOf(caller.template.circuit), caller),
    async call(caller, make) {
      const rule = ruleOf(caller.template.circuit);
      lastRule = rule;
      refuseWhileBlocked(rule, caller);
      let settle: ((outcome: CallOutcome) => void) | undefined;
      const begin = () => {
        if (settle !== undefined) return;
        // Check again: calls that ended during the wait may have opened the circuit or started a pause.
        refuseWhileBlocked(rule, caller);
        settle = breaker.begin(rule, circuitCaller(caller));
      };
      try {
        const result = await make((request) => inTurn(caller, begin, request));
        settle?.('success');
        return result;
      } catch (error) {
        const facts = error instanceof ProviderFailure ? error.facts : null;
        if (facts?.class === 'throttled' && facts.sent) pauses.pause(endpoint, caller, facts.retryAfterMs);
        settle?.(facts === null ? 'inconclusive' : outcomeOf(facts));
        throw error;
      }
    },
  };
}

function circuitCaller({ organizationId, connectionId, priority }: GuardedCaller) {
  return { organizationId, connectionId, inBackground: priority.inBackground };
}

/** A 4xx without a known error code also proves that the endpoint works, whatever the class of the failure. */
function outcomeOf({ class: failureClass, httpStatus, oauthError }: ProviderFailureFacts): CallOutcome {
  const isRefusal = httpStatus !== null && httpStatus >= 400 && httpStatus < 500 && oauthError === null;
  return isRefusal && failureClass === 'transient' ? 'success' : outcomeOfFailure[failureClass];
}

function ruleOf({ failures, openSeconds, successes }: ProviderTemplate['circuit']): CircuitRule {
  return {
    failures: failures ?? defaultCircuit.failures,
    openMs: (openSeconds ?? defaultCircuit.openSeconds) * 1000,
    successes: successes ?? defaultCircuit.successes,
  };
}

function paused(leftMs: number): ProviderFailure {
  return heldBack('throttled', 'The provider asked this client to slow down; it is not asked again yet.', leftMs);
}

function failing(leftMs: number): ProviderFailure {
  const message = "The provider's token endpoint failed several times in a row; it is not called for a while.";
  return heldBack('transient', message, leftMs);
}

function busy(): ProviderFailure {
  const message = "Too many calls to the provider's token endpoint are waiting; this one was not made.";
  return heldBack('throttled', message, busyRetryMs);
}
