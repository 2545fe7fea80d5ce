import { LRUCache } from 'lru-cache';
import { createAgentPool } from './agent-pool.ts';
import type { ConnectorOptions } from './guarded-connector.ts';
import { type Exchange, exchangeOver } from './http-exchange.ts';
import { refusedBeforeSending } from './network-failure.ts';
import type { OutboundAnswer, OutboundRequest } from './outbound.ts';
import { outboundUrlFault } from './outbound-url.ts';

/** The only way out of the process towards a provider. */
export interface GuardedHttp {
  /** Null where the URL may be called. */
  urlFault(url: string): string | null;
  /**
   * One try, over before `deadline` (of performance.now()). Throws ProviderFailure where no status arrived, telling
   * whether the request can have reached the provider; follows no redirect.
   */
  send(request: OutboundRequest, deadline: number): Promise<OutboundAnswer>;
  close(): Promise<void>;
}

export interface GuardedHttpOptions extends ConnectorOptions {
  maxBodyBytes?: number;
}

const defaultMaxBodyBytes = 256 * 1024;
/** Endpoints that were judged and taken apart, so that it is not done again for each of thousands of requests. */
const targetsKept = 1000;

/** Where a request goes, or why it may not go there. */
type Target = { fault: string } | { fault: null; origin: string; path: string };

export function createGuardedHttp(options: GuardedHttpOptions): GuardedHttp {
  const agents = createAgentPool(options);
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  const targets = new LRUCache<string, Target>({ max: targetsKept });

  function targetOf(url: string): Target {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const target = readTarget(url, options.allowPrivateNetwork);
    // A query may hold a secret: it is not kept.
    if (!url.includes('?')) targets.set(url, target);
    return target;
  }

  return {
    urlFault: (url) => outboundUrlFault(url, options.allowPrivateNetwork),
    async send(request, deadline) {
      const target = targetOf(request.url);
      if (target.fault !== null) throw refusedBeforeSending(target.fault);
      const { certificate = null } = request;
      if (certificate !== null && !request.url.toLowerCase().startsWith('https:')) {
        throw refusedBeforeSending('A client certificate can only be presented over https.');
      }
      const limits = { deadline, maxBodyBytes, withCertificate: certificate !== null };
      return exchangeOver(agents.agentFor(certificate), prepare(request, target), limits);
    },
    close: () => agents.close(),
  };
}

function readTarget(url: string, allowPrivateNetwork: boolean): Target {
  const fault = outboundUrlFault(url, allowPrivateNetwork);
  if (fault !== null) return { fault };
  const { origin, pathname, search } = new URL(url);
  return { fault: null, origin, path: pathname + search };
}

function prepare(
  { method, headers, body }: OutboundRequest,
  { origin, path }: Pick<Exchange, 'origin' | 'path'>,
): Exchange {
  return {
    origin,
    path,
    method,
    body,
    headers: { 'user-agent': 'token-broker', ...headers, 'accept-encoding': 'identity' },
  };
}
