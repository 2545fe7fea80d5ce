import { createAgentPool } from './agent-pool.ts';
import { createConnectTurns } from './connect-turns.ts';
import type { ConnectorOptions } from './guarded-connector.ts';
import { type Exchange, exchangeOver } from './http-exchange.ts';
import type { OutboundRequest, OutboundResponse } from './http-types.ts';
import { refusedBeforeSending, timedOut } from './network-failure.ts';
import { outboundUrlFault } from './outbound-url.ts';

/** HTTP client for providers. Every request from this process to a provider goes through it. */
export interface GuardedHttp {
  /** Returns the fault of a URL, or null if the URL may be called. */
  urlFault(url: string): string | null;
  /**
   * Sends one request, at most once. Ends by `deadline` (in the time of performance.now()). Follows no redirect.
   * Throws ProviderFailure if no status arrives; `sent` says whether the request can have reached the provider.
   */
  send(request: OutboundRequest, deadline: number): Promise<OutboundResponse>;
  close(): Promise<void>;
}

export interface GuardedHttpOptions extends ConnectorOptions {
  maxBodyBytes?: number;
}

/** Maximum bytes of a response body, before and after decoding. Token responses have a few kB; a larger limit lets a provider fill the memory. */
const defaultMaxBodyBytes = 256 * 1024;

export function createGuardedHttp(options: GuardedHttpOptions): GuardedHttp {
  const agents = createAgentPool(options);
  const turns = createConnectTurns();
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  return {
    urlFault: (url) => outboundUrlFault(url, options.allowPrivateNetwork),
    async send(request, deadline) {
      const fault = outboundUrlFault(request.url, options.allowPrivateNetwork);
      if (fault !== null) throw refusedBeforeSending(fault);
      const url = new URL(request.url);
      const { certificate = null } = request;
      if (certificate !== null && url.protocol !== 'https:') {
        throw refusedBeforeSending('A client certificate can only be presented over https.');
      }
      const waitMs = Math.min(options.connectTimeoutMs, deadline - performance.now());
      const endTurn = await turns.take(request.organizationId ?? null, waitMs);
      if (endTurn === undefined) throw timedOut(false);
      try {
        const limits = { deadline, maxBodyBytes, withCertificate: certificate !== null, onSending: endTurn };
        return await exchangeOver(agents.agentFor(certificate), toExchange(request, url), limits);
      } finally {
        endTurn();
      }
    },
    close: () => agents.close(),
  };
}

function toExchange({ method, headers, body }: OutboundRequest, { origin, pathname, search }: URL): Exchange {
  return {
    origin,
    path: pathname + search,
    method,
    body,
    headers: { 'user-agent': 'token-broker', ...headers, 'accept-encoding': 'identity' },
  };
}
