import cookie from '@fastify/cookie';
import csrf from '@fastify/csrf-protection';
import type { FastifyInstance } from 'fastify';
import type { ReadHealth } from '../broker/administration/read-health.ts';
import { apiKeyPages } from './api-keys/api-key-pages.ts';
import { auditPages } from './audit/audit-pages.ts';
import { connectionPages } from './connection/connection-pages.ts';
import type { ConnectionPagesSettings } from './connection/shown.ts';
import { connectionsPages } from './connections/connections-pages.ts';
import { deletePages } from './deletion/delete-pages.ts';
import { grantEndingPages } from './deletion/grant-ending-pages.ts';
import type { ConnectionInput } from './editing/connection-input.ts';
import { editingPages } from './editing/editing-pages.ts';
import { encryptionPages } from './encryption/encryption-pages.ts';
import { explainPages } from './explain/explain-pages.ts';
import { grantsPages } from './grants/grants-pages.ts';
import { doctorPages } from './operations/doctor-pages.ts';
import { createExamine } from './operations/examine.ts';
import { overviewPages } from './overview/overview-pages.ts';
import { type Catalogue, providerPages } from './providers/provider-pages.ts';
import { registerAssets } from './server/assets.ts';
import { bouncePage } from './server/bounce-page.ts';
import { registerErrors } from './server/errors.ts';
import { registerForms } from './server/forms.ts';
import type { ConsoleHost } from './server/host.ts';
import { createPages } from './server/page-route.ts';
import { createResponses } from './server/responses.ts';
import { createSessionCookie } from './server/session-cookie.ts';
import { registerVisitors } from './server/visitor.ts';
import { sessionsPages } from './sessions/sessions-pages.ts';
import { sharePages } from './sharing/share-pages.ts';
import type { IdentityProvider } from './sign-in/identity-provider.ts';
import { signInPath } from './sign-in/own-page.ts';
import { signInRoutes } from './sign-in/sign-in-routes.ts';
import { sweepsPages } from './sweeps/sweeps-pages.ts';
import type { ConsoleUseCases } from './use-cases.ts';
import { workflowPages } from './workflows/workflow-pages.ts';

export interface ConsoleDeps extends ConnectionPagesSettings {
  useCases: ConsoleUseCases;
  /** False with REFRESH_MODE=off. */
  callsTokenEndpoints: boolean;
  /** Interval between two health checks. */
  healthCheckIntervalMs: number;
  catalogue: Catalogue;
  connectionInput: ConnectionInput;
  /** State of this process, for the page Doctor. */
  readHealth: ReadHealth;
  /** Clock of the machine of this process. */
  machineClock: () => Date;
  version: string;
  /** Path that the routes of this process begin with: BASE_PATH. */
  basePath: string;
  /** Path of the base of every link, as a browser sees it. */
  publicPath: string;
  /** PUBLIC_URL with BASE_PATH, no slash at the end. Known when the server listens. */
  baseUrl: () => string;
  isHttps: boolean;
  clock: () => Date;
  /** File of the administrator's first key; null if the service does not know it. */
  firstKeyFile: string | null;
  /** Null if people sign in with keys only. */
  identityProvider: IdentityProvider | null;
  /** Keys of the cookies of sessions and sign-ins: the first signs, all verify. Empty during the start. */
  cookieKeys: () => readonly string[];
}

/** Registers the console in a scope of its own. `host` is the HTTP server of the service. */
export type RegisterConsole = (app: FastifyInstance, host: ConsoleHost) => Promise<void>;

export function createConsole(deps: ConsoleDeps): RegisterConsole {
  return async (app, host) => {
    const { useCases } = deps;
    await app.register(cookie);
    await app.register(csrf, { sessionPlugin: '@fastify/session', sessionKey: 'csrfSecret', logLevel: 'debug' });
    registerForms(app);
    const assets = registerAssets(app);
    const sessionCookie = createSessionCookie(deps);
    const responses = createResponses({ ...deps, assets, traceOf: host.traceOf, sessionCookie });
    registerErrors(app, host, (request, reply, problem) =>
      responses.sendFramed(request, reply, { ...problem, section: null }),
    );
    registerVisitors(app, {
      host,
      cookie: sessionCookie,
      resumeSession: useCases.resumeSession,
      sendToSignIn: (request, reply) => {
        const target = responses.href(signInPath(request.method === 'GET' ? responses.hereOf(request) : undefined));
        // A part of a page cannot show a sign-in, so htmx goes there as a whole.
        if (request.headers['hx-request'] !== undefined) return reply.code(401).header('hx-redirect', target).send();
        return reply.redirect(target, 303);
      },
      sendOnce: (request, reply) => responses.sendCard(reply, bouncePage(responses.href(responses.hereOf(request)))),
      sendToClean: (request, reply) => reply.redirect(responses.href(responses.hereOf(request)), 303),
    });
    let isClosing = false;
    app.addHook('preClose', (done) => {
      isClosing = true;
      done();
    });
    const pages = createPages(app, responses);
    signInRoutes(app, pages, { ...deps, host, responses, sessionCookie });
    sessionsPages(pages, useCases);
    overviewPages(pages, useCases);
    sweepsPages(pages, useCases);
    connectionsPages(pages, useCases, deps.catalogue);
    connectionPages(pages, useCases, deps);
    sharePages(pages, useCases, deps);
    grantsPages(pages, useCases, deps);
    explainPages(pages, useCases, host.problemOf);
    auditPages(pages, useCases, () => isClosing);
    workflowPages(pages, useCases);
    apiKeyPages(pages, useCases);
    providerPages(pages, deps.catalogue);
    encryptionPages(pages, useCases);
    doctorPages(pages, createExamine({ ...deps, ...useCases }));
    editingPages(pages, useCases, { ...deps, input: deps.connectionInput });
    deletePages(pages, useCases, deps.catalogue);
    grantEndingPages(pages, useCases, deps.catalogue);
  };
}
