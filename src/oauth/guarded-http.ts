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

export function createGuardedHttp(options: GuardedHttpOptions): GuardedHttp {
  const agents = createAgentPool(options);
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  return {
    urlFault: (url) => outboundUrlFault(url, options.allowPrivateNetwork),
    async send(request, deadline) {
      const fault = outboundUrlFault(request.url, options.allowPrivateNetwork);
      if (fault !== null) throw refusedBeforeSending(fault);
      const { certificate = null } = request;
      if (certificate !== null && !request.url.toLowerCase().startsWith('https:')) {
        throw refusedBeforeSending('A client certificate can only be presented over https.');
      }
      const limits = { deadline, maxBodyBytes, withCertificate: certificate !== null };
      return exchangeOver(agents.agentFor(certificate), prepare(request), limits);
    },
    close: () => agents.close(),
  };
}

function prepare({ method, url, headers, body }: OutboundRequest): Exchange {
  const { origin, pathname, search } = new URL(url);
  return {
    origin,
    path: pathname + search,
    method,
    body,
    headers: { 'user-agent': 'token-broker', ...headers, 'accept-encoding': 'identity' },
  };
}
