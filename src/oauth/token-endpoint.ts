import type { CallOrder, EndpointCircuit } from '../domain/ports/oauth.ts';
import { type FailureClass, ProviderFailure } from '../domain/provider-failure.ts';
import type { ProviderTemplate } from '../domain/template.ts';
import { type CallSlot, createCallSlots, type Sleep } from './call-slots.ts';
import { type CallOutcome, type CircuitRule, createCircuitBreaker } from './circuit-breaker.ts';
import type { ClientPauses } from './client-pauses.ts';
import { heldBack } from './network-failure.ts';

export interface TokenEndpointDeps {
  pauses: ClientPauses;
  callCapMs: number;
  /** Calls at once to an endpoint whose template does not say. */
  concurrency: number;
  now: () => Date;
  /** Must not jump with the wall clock. */
  elapsedMs: () => number;
  sleep: Sleep;
  onCircuitChange: (circuit: EndpointCircuit) => void;
}

export interface TokenEndpointCaller {
  clientId: string;
  template: Pick<ProviderTemplate, 'circuit' | 'limits'>;
  order: CallOrder;
}

/** A call that may be made now. */
export interface CallTurn {
  /** What waiting left of the longest a call may take. */
  leftMs: number;
  countAnotherRequest(): void;
}

export interface TokenEndpoint {
  /** Throws a ProviderFailure that was never sent while the endpoint fails, asked for a pause, or is busy too long. */
  call<T>(caller: TokenEndpointCaller, make: (turn: CallTurn) => Promise<T>): Promise<T>;
  circuit(): EndpointCircuit;
}

/** A call that begins late is cut off early, and a refresh cut off may be spent: most of the cap belongs to the call itself. */
const waitShare = 1 / 3;
const busyRetryMs = 5000;
const defaultCircuit = { failures: 5, openSeconds: 60, successes: 3 };

/**
 * What a call's end says of its endpoint. A refusal is an answer, and proves it alive; a 429 is about the client, and
 * what our own rules stopped is about nobody.
 */
const outcomeOfFailure = {
  transient: 'failure',
  reauthorization: 'success',
  client: 'success',
  configuration: 'success',
  unknown: 'success',
  throttled: 'neither',
  refused: 'neither',
} as const satisfies Record<FailureClass, CallOutcome>;

/** One token endpoint as this process has met it. */
export function createTokenEndpoint(endpoint: string, deps: TokenEndpointDeps): TokenEndpoint {
  const { pauses, callCapMs, concurrency, now, elapsedMs, onCircuitChange } = deps;
  let since = now();
  const onChange = () => {
    since = now();
    onCircuitChange(circuit());
  };
  const breaker = createCircuitBreaker({ elapsedMs, onChange });
  const slots = createCallSlots(deps);
  const circuit = () => ({ endpoint, state: breaker.state(), since });

  function refuseWhileBlocked(rule: CircuitRule, clientId: string): void {
    const pausedMs = pauses.leftMs(endpoint, clientId);
    if (pausedMs > 0) throw paused(pausedMs);
    const blockedMs = breaker.blockedMs(rule);
    if (blockedMs > 0) throw failing(blockedMs);
  }

  async function observe<T>(rule: CircuitRule, clientId: string, make: () => Promise<T>): Promise<T> {
    const settle = breaker.begin(rule);
    try {
      const result = await make();
      settle('success');
      return result;
    } catch (error) {
      const facts = error instanceof ProviderFailure ? error.facts : null;
      if (facts?.class === 'throttled') pauses.pause(endpoint, clientId, facts.retryAfterMs);
      settle(facts === null ? 'neither' : outcomeOfFailure[facts.class]);
      throw error;
    }
  }

  return {
    circuit,
    async call({ clientId, template: { circuit, limits }, order }, make) {
      const askedAt = elapsedMs();
      const rule = ruleOf(circuit);
      refuseWhileBlocked(rule, clientId);
      const slot = await slots.take(
        { concurrency: limits.concurrency ?? concurrency, requestsPerMinute: limits.requestsPerMinute },
        callCapMs * waitShare,
        order,
      );
      if (slot === undefined) throw busy();
      try {
        // Others' calls have ended while this one waited.
        refuseWhileBlocked(rule, clientId);
        const leftMs = callCapMs - (elapsedMs() - askedAt);
        return await observe(rule, clientId, () => make(turnOf(slot, leftMs)));
      } finally {
        slot.release();
      }
    },
  };
}

function turnOf(slot: CallSlot, leftMs: number): CallTurn {
  return { leftMs, countAnotherRequest: () => slot.countAnother() };
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
