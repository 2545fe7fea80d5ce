import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createCatalogue } from '../oauth/catalogue.ts';
import { createOAuthGateway } from '../oauth/gateway.ts';
import { createGuardedHttp } from '../oauth/guarded-http.ts';

const probeTimeoutMs = 10_000;

/** The way to the providers, with every rule of outbound traffic in it. */
export function openProvider(
  { allowPrivateNetwork, provider: { timeoutMs, callCapMs, retries } }: Config,
  log: Logger,
  now: () => Date,
) {
  const http = createGuardedHttp({ allowPrivateNetwork, connectTimeoutMs: timeoutMs });
  const catalogue = createCatalogue();
  const oauth = createOAuthGateway({
    http,
    catalogue,
    retries,
    callCapMs,
    probeTimeoutMs,
    now,
    onCircuitChange: ({ endpoint, state }) => {
      if (state === 'open') log.warn({ endpoint }, 'a token endpoint failed several times in a row and is left alone');
      else
        log.info(
          { endpoint, state },
          state === 'closed' ? 'a token endpoint is back' : 'a token endpoint is tried again',
        );
    },
  });
  return { oauth, catalogue, close: () => http.close() };
}
