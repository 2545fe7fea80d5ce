import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { HealthProbes } from '../broker/administration/read-health.ts';
import type { AuthenticateCaller } from '../broker/callers/authenticate-caller.ts';
import type { OnRequestEnd } from '../domain/ports/monitoring/observations.ts';
import type { ReadMetrics } from '../domain/ports/monitoring/readings.ts';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import { collectAllowedMethods } from './allowed-methods.ts';
import { registerAuthentication } from './authentication.ts';
import { bodyLimitBytes, registerBodyParsing } from './body-parsing.ts';
import { createPageHost, type RegisterPages } from './browser/page-host.ts';
import { createClientErrorHandler, replaceNodeRefusals } from './client-errors.ts';
import { registerCommonHeaders, registerConnectionClose } from './common-headers.ts';
import { createReplyUnrouted, createReplyWithError, registerErrors } from './errors.ts';
import { bodyTimeoutMs, limitBodyTime } from './limits/body-time.ts';
import { registerClientAddress, type TrustedProxies } from './limits/client-address.ts';
import { createRateLimits } from './limits/rate-limit.ts';
import type { SharedCounts } from './limits/shared-counts.ts';
import { closeStalledSockets, stallLimits } from './limits/stalled-sockets.ts';
import { refuseUndeclaredRoutes } from './mount.ts';
import { registerRequestLog } from './request-log.ts';
import { type ApiKeyUseCases, apiKeyRoutes } from './routes/admin/api-keys.ts';
import { type AuditUseCases, auditEventRoutes } from './routes/admin/audit-events.ts';
import { type FleetConnectionUseCases, fleetConnectionRoutes } from './routes/admin/connections.ts';
import { type EncryptionUseCases, encryptionRoutes } from './routes/admin/encryption.ts';
import { type FleetGrantUseCases, fleetGrantRoutes } from './routes/admin/grants.ts';
import { type HealthCheckUseCases, healthCheckRoutes } from './routes/admin/health-checks.ts';
import { type ImportUseCases, importRoutes } from './routes/admin/import.ts';
import { type FleetStatsUseCases, fleetStatsRoutes } from './routes/admin/stats.ts';
import { type SweepUseCases, sweepRoutes } from './routes/admin/sweeps.ts';
import { type AuthorizationUseCases, authorizationRoutes } from './routes/authorizations.ts';
import { type BrowserUseCases, browserRoutes } from './routes/browser.ts';
import { type ConnectionUseCases, connectionRoutes } from './routes/connections.ts';
import { type CredentialUseCases, credentialRoutes } from './routes/credentials.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { type GrantUseCases, grantRoutes } from './routes/grants.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { providerRoutes } from './routes/providers.ts';
import { type WorkflowUseCases, workflowRoutes } from './routes/workflows.ts';
import { requestIdOf } from './trace.ts';

export type HttpUseCases = ConnectionUseCases &
  GrantUseCases &
  AuthorizationUseCases &
  BrowserUseCases &
  CredentialUseCases &
  WorkflowUseCases &
  ApiKeyUseCases &
  AuditUseCases &
  FleetStatsUseCases &
  FleetConnectionUseCases &
  FleetGrantUseCases &
  SweepUseCases &
  EncryptionUseCases &
  HealthCheckUseCases &
  ImportUseCases & { authenticateCaller: AuthenticateCaller };

export interface HttpServerDeps {
  useCases: HttpUseCases;
  /** `health`: serves the routes of health and metrics only, as a worker does. */
  serves: 'everything' | 'health';
  catalogue: Pick<ProviderCatalogue, 'find' | 'list'>;
  probes: HealthProbes;
  /** A pino instance. */
  logger: FastifyBaseLogger;
  onRequestEnd: OnRequestEnd;
  readMetrics: ReadMetrics;
  clock: () => Date;
  /** Returns a random id in base64url, at least 128 bits: less could be guessed. */
  newBrowserId: () => string;
  version: string;
  /** Path prefix of every route: empty, or with a leading and without a trailing slash. */
  basePath: string;
  /** Path of the base of every link: that of PUBLIC_URL, which a proxy strips, with BASE_PATH. Defaults to basePath. */
  publicPath?: string;
  /** True if PUBLIC_URL is https; decides the attributes of the browser cookie. */
  publicUrlIsHttps: boolean;
  /** PUBLIC_URL with BASE_PATH, no slash at the end. Known when the server listens. */
  baseUrl: () => string;
  /** Keys of the browser cookie, each at least 32 characters: the first signs, all verify. Empty during the start. */
  cookieKeys: () => readonly string[];
  /** Maximum requests a minute of one address, counted separately for public routes and for failed authentication. */
  rateLimitMax: number;
  /** Redis on which all processes count together. Without it each process counts alone. */
  sharedCounts?: SharedCounts | undefined;
  trustProxy: TrustedProxies;
  /** The pages of administrators, below /console. Absent: there are none. */
  console?: RegisterPages;
  /** Time in milliseconds for a body, or for the next line of an import, to arrive. */
  bodyTimeoutMs?: number;
}

/** Creates the HTTP server, ready to listen or to inject requests into. Closing it waits for requests in flight. */
export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const { basePath, publicPath = basePath } = deps;
  const replyWithError = createReplyWithError(publicPath);
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger,
    // Fastify's request log lines contain URLs, which hold state and code.
    logController: new LogController({ disableRequestLogging: true }),
    // A child logger for each request would cost more than its one line; log lines name the request id themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIdOf,
    bodyLimit: bodyLimitBytes,
    exposeHeadRoutes: false,
    // Requests that arrive while the server closes are still served, with `Connection: close`.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    ...timeouts,
    routerOptions: { maxParamLength },
    frameworkErrors: createReplyUnrouted(replyWithError),
    clientErrorHandler: createClientErrorHandler(publicPath),
  });
  closeStalledSockets(app.server, stallLimits);
  limitBodyTime(app, deps.bodyTimeoutMs ?? bodyTimeoutMs);
  app.decorateRequest('caller', null);
  app.decorateRequest('actor', null);
  app.decorateRequest('problemCode', null);
  registerClientAddress(app, deps.trustProxy);
  registerRequestLog(app, deps.onRequestEnd);
  registerErrors(app, replyWithError, collectAllowedMethods(app));
  registerBodyParsing(app);
  refuseUndeclaredRoutes(app);
  registerCommonHeaders(app);
  replaceNodeRefusals(app);
  registerConnectionClose(app);
  const limits = await createRateLimits(app, deps.rateLimitMax, deps.sharedCounts);
  registerAuthentication(app, deps.useCases.authenticateCaller, limits);
  const pageHost = createPageHost(limits);
  await app.register(async (scope) => registerRoutes(scope, deps, pageHost), { prefix: basePath });
  await app.ready();
  return app;
}

async function registerRoutes(
  app: FastifyInstance,
  deps: HttpServerDeps,
  pageHost: ReturnType<typeof createPageHost>,
): Promise<void> {
  const { useCases, clock, version, basePath, publicPath = basePath } = deps;
  healthRoutes(app, deps.probes, { version, clock });
  metricsRoutes(app, deps.readMetrics);
  if (deps.serves === 'health') return;
  connectionRoutes(app, useCases, publicPath);
  grantRoutes(app, useCases, clock);
  authorizationRoutes(app, useCases);
  credentialRoutes(app, useCases);
  workflowRoutes(app, useCases);
  providerRoutes(app, deps.catalogue, deps.baseUrl);
  apiKeyRoutes(app, useCases, publicPath);
  auditEventRoutes(app, useCases, publicPath);
  fleetStatsRoutes(app, useCases);
  fleetConnectionRoutes(app, useCases, deps.baseUrl);
  fleetGrantRoutes(app, useCases, deps.baseUrl);
  sweepRoutes(app, useCases);
  encryptionRoutes(app, useCases);
  healthCheckRoutes(app, useCases);
  await app.register(async (scope) =>
    importRoutes(scope, useCases, { clock, publicPath, lineTimeoutMs: deps.bodyTimeoutMs }),
  );
  documentationRoutes(app, { version, publicPath });
  const { console: registerConsole } = deps;
  if (registerConsole !== undefined) {
    await app.register((scope) => registerConsole(scope, pageHost), { prefix: '/console' });
  }
  await app.register((scope) =>
    browserRoutes(scope, useCases, {
      cookie: { secure: deps.publicUrlIsHttps, basePath, baseUrl: deps.baseUrl, keys: deps.cookieKeys, clock },
      newBrowserId: deps.newBrowserId,
    }),
  );
}

/** Maximum characters of a path parameter. Longer than any valid value, so that schemas report values that are too long. */
const maxParamLength = 1024;

const timeouts = {
  /** Off: a streamed body takes as long as its lines. limitBodyTime bounds the other bodies. */
  requestTimeout: 0,
  /** Maximum time without a byte in either direction. A credential request that waits longer for a provider is cut off. */
  connectionTimeout: 90_000,
  keepAliveTimeout: 72_000,
  // A client that sends its headers too slowly is disconnected after headersTimeout and at most one more check interval.
  http: { headersTimeout: 15_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384, requireHostHeader: false },
};
