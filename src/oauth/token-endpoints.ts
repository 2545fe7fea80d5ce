import { LRUCache } from 'lru-cache';
import type { CircuitState, EndpointCircuit } from '../domain/ports/oauth.ts';
import { type FailureClass, ProviderFailure } from '../domain/provider-failure.ts';
import type { ProviderTemplate } from '../domain/template.ts';
import { type CallSlot, type CallSlots, createCallSlots, type Sleep } from './call-slots.ts';
import { type CallOutcome, type CircuitBreaker, type CircuitRule, createCircuitBreaker } from './circuit-breaker.ts';
import { type ClientPauses, createClientPauses } from './client-pauses.ts';
import { heldBack } from './network-failure.ts';

export interface TokenEndpointCall {
  url: string;
  clientId: string;
  template: Pick<ProviderTemplate, 'circuit' | 'limits'>;
}

/** A call that may be made now. */
export interface CallTurn {
  /** What waiting left of the longest a call may take. */
  leftMs: number;
  countAnotherRequest(): void;
}

/** What this process knows of the token endpoints it calls. Nothing of it is shared with another process, or outlives this one. */
export interface TokenEndpoints {
  /** Throws a ProviderFailure that was never sent while the endpoint fails, asked for a pause, or is busy too long. */
  call<T>(target: TokenEndpointCall, make: (turn: CallTurn) => Promise<T>): Promise<T>;
  circuits(): EndpointCircuit[];
}

export interface TokenEndpointsOptions {
  callCapMs: number;
  /** Calls at once to an endpoint whose template does not say. */
  concurrency: number;
  now: () => Date;
  /** Must not jump with the wall clock. */
  elapsedMs: () => number;
  sleep: Sleep;
  onCircuitChange: (circuit: EndpointCircuit) => void;
}

interface Endpoint {
  name: string;
  since: Date;
  breaker: CircuitBreaker;
  slots: CallSlots;
}

/** Beyond it the endpoint called longest ago is forgotten; if it is called again it begins with a closed circuit. */
const maxEndpoints = 1000;
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

export function createTokenEndpoints(options: TokenEndpointsOptions): TokenEndpoints {
  const { callCapMs, concurrency, elapsedMs } = options;
  const known = new LRUCache<string, Endpoint>({ max: maxEndpoints });
  const pauses = createClientPauses(elapsedMs);

  function endpointOf(name: string): Endpoint {
    const found = known.get(name);
    if (found !== undefined) return found;
    const endpoint = createEndpoint(name, options);
    known.set(name, endpoint);
    return endpoint;
  }

  return {
    async call({ url, clientId, template }, make) {
      const endpoint = endpointOf(nameOf(url));
      const rule = ruleOf(template);
      const { requestsPerMinute } = template.limits;
      const limits = { concurrency: template.limits.concurrency ?? concurrency, requestsPerMinute };
      const refuse = () => refuseWhileBlocked(endpoint, rule, pauses, clientId);
      const askedAt = elapsedMs();
      refuse();
      const slot = await endpoint.slots.take(limits, callCapMs * waitShare);
      if (slot === undefined) throw busy();
      try {
        // Others' calls have ended while this one waited.
        refuse();
        const leftMs = callCapMs - (elapsedMs() - askedAt);
        return await observe(endpoint, rule, pauses, clientId, () => make(turnOf(slot, leftMs)));
      } finally {
        slot.release();
      }
    },
    circuits: () => [...known.values()].map(circuitOf),
  };
}

function createEndpoint(name: string, options: TokenEndpointsOptions): Endpoint {
  const { now, elapsedMs, onCircuitChange } = options;
  const onChange = (_: CircuitState) => {
    endpoint.since = now();
    onCircuitChange(circuitOf(endpoint));
  };
  const endpoint: Endpoint = {
    name,
    since: now(),
    breaker: createCircuitBreaker({ elapsedMs, onChange }),
    slots: createCallSlots(options),
  };
  return endpoint;
}

function circuitOf({ name, since, breaker }: Endpoint): EndpointCircuit {
  return { endpoint: name, state: breaker.state(), since };
}

function turnOf(slot: CallSlot, leftMs: number): CallTurn {
  return { leftMs, countAnotherRequest: () => slot.countAnother() };
}

function refuseWhileBlocked(endpoint: Endpoint, rule: CircuitRule, pauses: ClientPauses, clientId: string): void {
  const pausedMs = pauses.leftMs(endpoint.name, clientId);
  if (pausedMs > 0) {
    throw heldBack('throttled', 'The provider asked this client to slow down; it is not asked again yet.', pausedMs);
  }
  const blockedMs = endpoint.breaker.blockedMs(rule);
  if (blockedMs > 0) {
    throw heldBack(
      'transient',
      "The provider's token endpoint failed several times in a row; it is not called for a while.",
      blockedMs,
    );
  }
}

async function observe<T>(
  endpoint: Endpoint,
  rule: CircuitRule,
  pauses: ClientPauses,
  clientId: string,
  make: () => Promise<T>,
): Promise<T> {
  const settle = endpoint.breaker.begin(rule);
  try {
    const result = await make();
    settle('success');
    return result;
  } catch (error) {
    const facts = error instanceof ProviderFailure ? error.facts : null;
    if (facts?.class === 'throttled') pauses.pause(endpoint.name, clientId, facts.retryAfterMs);
    settle(facts === null ? 'neither' : outcomeOfFailure[facts.class]);
    throw error;
  }
}

function busy(): ProviderFailure {
  const message = "Too many calls to the provider's token endpoint are waiting; this one was not made.";
  return heldBack('throttled', message, busyRetryMs);
}

function ruleOf({ circuit }: TokenEndpointCall['template']): CircuitRule {
  return {
    failures: circuit.failures ?? defaultCircuit.failures,
    openMs: (circuit.openSeconds ?? defaultCircuit.openSeconds) * 1000,
    successes: circuit.successes ?? defaultCircuit.successes,
  };
}

/** Without the query, which may hold what does not belong in a log. */
function nameOf(url: string): string {
  if (!URL.canParse(url)) return 'invalid';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
