import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { OnProviderRequestEnd } from '../domain/ports/monitoring/observations.ts';
import { createOAuthGateway } from '../oauth/gateway.ts';
import { createCatalogue } from '../oauth/providers/catalogue.ts';
import { withoutTokenEndpoints } from '../oauth/without-token-endpoints.ts';
import { createGuardedHttp } from '../outbound/guarded-http.ts';
import { parseNoProxy } from '../outbound/no-proxy.ts';

/** A health check waits no longer for a provider; later it counts as failed. */
const probeTimeoutMs = 10_000;

export interface ProviderDeps {
  now: () => Date;
  onRequestEnd: OnProviderRequestEnd;
  onCircuitOpened: () => void;
}

/** Opens the connection to providers, with the rules of outbound traffic applied. */
export function openProvider(
  {
    allowPrivateNetwork,
    provider: { timeoutMs, callCapMs, retries },
    providerProxy,
    callsTokenEndpoints,
    templatesDir,
  }: Config,
  log: Logger,
  { now, onRequestEnd, onCircuitOpened }: ProviderDeps,
) {
  const { url, noProxy, unusedVariable } = providerProxy;
  if (unusedVariable !== null) {
    log.warn({ variable: unusedVariable }, 'proxy variable without effect on provider calls: set PROVIDER_PROXY_URL');
  }
  const proxy = url === null ? null : { url, bypasses: parseNoProxy(noProxy) };
  const http = createGuardedHttp({ allowPrivateNetwork, connectTimeoutMs: timeoutMs, proxy });
  const catalogue = createCatalogue({
    further: templatesDir,
    onFurther: (found) => log.info(found, 'further provider templates read'),
  });
  const oauth = createOAuthGateway({
    http,
    catalogue,
    retries,
    callCapMs,
    probeTimeoutMs,
    now,
    onRequestEnd,
    onCircuitChange: ({ endpoint, state }) => {
      if (state === 'open') onCircuitOpened();
      if (state === 'open') log.warn({ endpoint }, 'circuit opened');
      else log.info({ endpoint }, state === 'closed' ? 'circuit closed' : 'circuit half open');
    },
  });
  if (!callsTokenEndpoints) {
    log.warn({ variable: 'REFRESH_MODE' }, 'token endpoints are not called');
  }
  return {
    oauth: callsTokenEndpoints ? oauth : withoutTokenEndpoints(oauth),
    catalogue,
    circuits: oauth.circuits,
    close: () => http.close(),
  };
}
