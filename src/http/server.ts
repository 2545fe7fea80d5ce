import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { AuthenticateCaller } from '../broker/authenticate-caller.ts';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import { registerAuthentication } from './authentication.ts';
import { bodyLimitBytes, registerBodyParsing } from './body-parsing.ts';
import { createClientErrorHandler } from './client-errors.ts';
import { registerCommonHeaders, registerConnectionClose } from './common-headers.ts';
import { createReplyUnrouted, createReplyWithError, registerErrors } from './errors.ts';
import { refuseUndeclaredRoutes } from './mount.ts';
import { registerRateLimits } from './rate-limit.ts';
import { registerRequestLog } from './request-log.ts';
import { type ApiKeyUseCases, apiKeyRoutes } from './routes/api-keys.ts';
import { type AuthorizationUseCases, authorizationRoutes } from './routes/authorizations.ts';
import { type BrowserUseCases, browserRoutes } from './routes/browser.ts';
import { type ConnectionUseCases, connectionRoutes } from './routes/connections.ts';
import { type CredentialUseCases, credentialRoutes } from './routes/credentials.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { type GrantUseCases, grantRoutes } from './routes/grants.ts';
import { type HealthProbes, healthRoutes } from './routes/health.ts';
import { providerRoutes } from './routes/providers.ts';
import { requestIdOf } from './trace.ts';

export type HttpUseCases = ConnectionUseCases &
  GrantUseCases &
  AuthorizationUseCases &
  BrowserUseCases &
  CredentialUseCases &
  ApiKeyUseCases & { authenticateCaller: AuthenticateCaller };

export interface HttpServerDeps {
  useCases: HttpUseCases;
  /** A worker answers for its own health alone. */
  serves: 'everything' | 'health';
  catalogue: Pick<ProviderCatalogue, 'find' | 'list'>;
  probes: HealthProbes;
  /** A pino instance. */
  logger: FastifyBaseLogger;
  clock: () => Date;
  /** base64url, 128 bit or more. */
  newBrowserId: () => string;
  version: string;
  /** Empty, or with a leading and without a trailing slash. */
  basePath: string;
  /** Whether PUBLIC_URL is https: decides what the browser's cookie can be. */
  publicUrlIsHttps: boolean;
  /** Newest first, 32 characters or more each. */
  cookieKeys: readonly string[];
  /** Requests a minute for each address on public routes, and for failed authentication. */
  rateLimitMax: number;
  /** Number of hops, or addresses and ranges; false: forwarding headers are ignored. */
  trustProxy: false | number | readonly string[];
}

/** The whole HTTP side, ready to listen or to be injected into. Closing it waits for requests in flight. */
export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const { basePath } = deps;
  const replyWithError = createReplyWithError(basePath);
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger,
    // Fastify's own lines hold URLs, and URLs hold state and code.
    logController: new LogController({ disableRequestLogging: true }),
    // A child of its own for each request costs more than its one line: the lines name the request themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIdOf,
    trustProxy: trustOf(deps.trustProxy),
    bodyLimit: bodyLimitBytes,
    exposeHeadRoutes: false,
    // What is on its way while closing is still answered, with `Connection: close`.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    ...timeouts,
    routerOptions: { maxParamLength },
    frameworkErrors: createReplyUnrouted(replyWithError),
    clientErrorHandler: createClientErrorHandler(basePath),
  });
  app.decorateRequest('caller', null);
  app.decorateRequest('actor', null);
  app.decorateRequest('problemCode', null);
  registerRequestLog(app);
  registerErrors(app, replyWithError);
  registerBodyParsing(app);
  refuseUndeclaredRoutes(app);
  registerCommonHeaders(app);
  registerConnectionClose(app);
  const createCounter = await registerRateLimits(app, deps.rateLimitMax);
  registerAuthentication(app, {
    authenticateCaller: deps.useCases.authenticateCaller,
    countFailure: createCounter(),
    countPublic: createCounter(),
  });
  await app.register(async (scope) => registerRoutes(scope, deps), { prefix: basePath });
  await app.ready();
  return app;
}

async function registerRoutes(app: FastifyInstance, deps: HttpServerDeps): Promise<void> {
  const { useCases, clock, version, basePath } = deps;
  healthRoutes(app, deps.probes, { version, clock });
  if (deps.serves === 'health') return;
  connectionRoutes(app, useCases, basePath);
  grantRoutes(app, useCases, clock);
  authorizationRoutes(app, useCases);
  credentialRoutes(app, useCases);
  providerRoutes(app, deps.catalogue);
  apiKeyRoutes(app, useCases, basePath);
  documentationRoutes(app, { version, basePath });
  await app.register((scope) =>
    browserRoutes(scope, useCases, {
      cookie: { secure: deps.publicUrlIsHttps, basePath, keys: deps.cookieKeys },
      newBrowserId: deps.newBrowserId,
    }),
  );
}

/** Longer than any name, id or state, so that those are refused in their own words. */
const maxParamLength = 1024;

const timeouts = {
  /** For the whole of a request to arrive. */
  requestTimeout: 30_000,
  /** Without a byte in either direction; a fetch may wait this long for a provider at most. */
  connectionTimeout: 90_000,
  keepAliveTimeout: 72_000,
  // A client that drips its headers is let go of within headersTimeout and one check more.
  http: { headersTimeout: 15_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 },
};

function trustOf(trust: HttpServerDeps['trustProxy']): false | string[] | ((address: string, hop: number) => boolean) {
  if (trust === false) return false;
  return typeof trust === 'number' ? (_address, hop) => hop < trust : [...trust];
}
