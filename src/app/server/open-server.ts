import type { Logger } from 'pino';
import about from '../../../package.json' with { type: 'json' };
import type { HealthProbes } from '../../broker/administration/read-health.ts';
import { createReadHealth } from '../../broker/administration/read-health.ts';
import type { Broker } from '../../broker/assembly/create-broker.ts';
import { normalizePath } from '../../config/base-path.ts';
import type { Config } from '../../config.ts';
import { createConsole } from '../../console/console.ts';
import type { DerivedKeys } from '../../crypto/derived-keys.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { SharedCounts } from '../../http/limits/shared-counts.ts';
import { createHttpServer } from '../../http/server.ts';
import { connectionInput } from '../console/connection-input.ts';
import { openConsoleIdentityProvider } from '../console/open-identity-provider.ts';
import type { Foundation } from '../foundation.ts';
import type { openMetrics } from '../open-metrics.ts';
import type { openProvider } from '../provider.ts';

export interface ServerParts {
  config: Config;
  log: Logger;
  foundation: Foundation;
  broker: Broker;
  provider: ReturnType<typeof openProvider>;
  probes: HealthProbes;
  metrics: ReturnType<typeof openMetrics>;
  derivedKeys: DerivedKeys;
  tokens: Pick<Tokens, 'random'>;
  sharedCounts: SharedCounts | undefined;
  /** PUBLIC_URL. Empty until the process listens, if it is not configured. */
  publicUrl: () => string;
  clock: () => Date;
}

/** Builds the HTTP server with all routes and pages. It does not listen yet. The stack closes what the server calls. */
export function openServer(parts: ServerParts, stack: AsyncDisposableStack): ReturnType<typeof createHttpServer> {
  const { config, log, foundation, broker, provider, metrics, publicUrl, clock } = parts;
  const { basePath } = config;
  const isHttps = publicUrl().startsWith('https:');
  const paths = {
    basePath,
    publicPath: `${normalizePath(new URL(publicUrl() || 'http://localhost').pathname)}${basePath}`,
    baseUrl: () => `${publicUrl()}${basePath}`,
    version: about.version,
    clock,
  };
  return createHttpServer({
    ...paths,
    useCases: broker,
    serves: config.role === 'worker' ? 'health' : 'everything',
    catalogue: provider.catalogue,
    probes: parts.probes,
    logger: log,
    onRequestEnd: metrics.onRequest,
    readMetrics: metrics.readMetrics,
    newBrowserId: () => parts.tokens.random(32),
    publicUrlIsHttps: isHttps,
    cookieKeys: () => parts.derivedKeys('browser-cookie'),
    rateLimitMax: config.rateLimitMax,
    sharedCounts: parts.sharedCounts,
    trustProxy: config.trustProxy,
    console: createConsole({
      ...paths,
      useCases: broker,
      isHttps,
      firstKeyFile: foundation.adminKeyFile,
      callsTokenEndpoints: config.callsTokenEndpoints,
      healthCheckIntervalMs: config.healthCheckIntervalMs,
      catalogue: provider.catalogue,
      connectionInput,
      readHealth: createReadHealth(parts.probes),
      machineClock: () => new Date(),
      identityProvider: openConsoleIdentityProvider(config, log, stack, { baseUrl: paths.baseUrl, now: clock }),
      cookieKeys: () => parts.derivedKeys('console-cookie'),
    }),
  });
}
