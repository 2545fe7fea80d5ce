import { LRUCache } from 'lru-cache';
import type { EndpointCircuit } from '../domain/ports/oauth.ts';
import { createClientPauses } from './client-pauses.ts';
import { createTokenEndpoint, type TokenEndpoint, type TokenEndpointDeps } from './token-endpoint.ts';

/** What this process knows of the token endpoints it calls. Nothing of it is shared with another process, or outlives this one. */
export interface TokenEndpoints {
  /** By its URL without the query. */
  at(url: string): TokenEndpoint;
  circuits(): EndpointCircuit[];
}

/** Beyond it the endpoint called longest ago is forgotten; if it is called again it begins with a closed circuit. */
const maxEndpoints = 1000;

export function createTokenEndpoints(options: Omit<TokenEndpointDeps, 'pauses'>): TokenEndpoints {
  const deps = { ...options, pauses: createClientPauses(options.elapsedMs) };
  const known = new LRUCache<string, TokenEndpoint>({ max: maxEndpoints });
  return {
    at(url) {
      const same = known.get(url);
      if (same !== undefined) return same;
      const name = withoutQuery(url);
      const found = known.get(name);
      if (found !== undefined) return found;
      const endpoint = createTokenEndpoint(name, deps);
      known.set(name, endpoint);
      return endpoint;
    },
    circuits: () => [...known.values()].map((endpoint) => endpoint.circuit()),
  };
}

/** A query may hold what does not belong in a log. */
function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return 'invalid';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
