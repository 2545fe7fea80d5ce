import { LRUCache } from 'lru-cache';
import type { EndpointCircuit } from '../../domain/ports/oauth.ts';
import { createClientPauses } from './client-pauses.ts';
import { createEndpointGuard, type EndpointGuard, type EndpointGuardDeps } from './endpoint-guard.ts';

/** Endpoint guards of this process. Other processes do not share them, and they end with the process. */
export interface EndpointGuards {
  /** Returns the guard of a token endpoint. URLs that differ only in the query share one guard. */
  at(url: string): EndpointGuard;
  /** Returns the guard of a token endpoint if it was called recently. Creates none. */
  peek(url: string): EndpointGuard | undefined;
  circuits(): EndpointCircuit[];
}

/** Maximum number of guards. Beyond it the least recently used one is dropped; a later call finds a closed circuit. */
const maxEndpoints = 1000;

export function createEndpointGuards(options: Omit<EndpointGuardDeps, 'pauses'>): EndpointGuards {
  const deps = { ...options, pauses: createClientPauses(options.elapsedMs) };
  const known = new LRUCache<string, EndpointGuard>({ max: maxEndpoints });
  return {
    at(url) {
      const name = withoutQuery(url);
      const found = known.get(name);
      if (found !== undefined) return found;
      const endpoint = createEndpointGuard(name, deps);
      known.set(name, endpoint);
      return endpoint;
    },
    peek: (url) => known.peek(withoutQuery(url)),
    circuits: () => [...known.values()].map((endpoint) => endpoint.circuit()),
  };
}

/** Drops the query: it can hold secrets, and the endpoint's name is logged. */
function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return 'invalid';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
