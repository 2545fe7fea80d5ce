import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ResumeSession } from '../../broker/sessions/resume-session.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { comesFromElsewhere, requireSameOrigin } from './cross-site.ts';
import type { ConsoleHost } from './host.ts';
import type { SessionCookie } from './session-cookie.ts';
import { actorOf, type Visitor } from './visit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Read by the plugin that verifies forms. Null without a session. */
    session: { csrfSecret: string } | null;
    visitor: Visitor | null;
    /** Organisation of a page that is about one. */
    pageActor: Actor | null;
  }
}

export interface VisitorDeps {
  host: ConsoleHost;
  cookie: SessionCookie;
  resumeSession: ResumeSession;
  /** Sends a request without a session to the sign-in. */
  sendToSignIn: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  /** Answers a visit that came from another site with a page that loads the same address once more. */
  sendOnce: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  /** Sends the second load, once it has its session, to the address without the mark. */
  sendToClean: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

/** Establishes session, access and organisation before a form is read. */
export function registerVisitors(app: FastifyInstance, deps: VisitorDeps): void {
  app.decorateRequest('session', null);
  app.decorateRequest('visitor', null);
  app.decorateRequest('pageActor', null);

  app.addHook('onRequest', async (request, reply) => {
    const { pageAccess } = request.routeOptions.config;
    if (request.method === 'POST') requireSameOrigin(request);
    const visitor = await findVisitor(request, deps);
    if (visitor === undefined) {
      if (pageAccess === undefined) return;
      if (comesFromElsewhere(request) && !isSecondLoad(request)) return deps.sendOnce(request, reply);
      return deps.sendToSignIn(request, reply);
    }
    request.visitor = visitor;
    request.session = { csrfSecret: visitor.session.csrfSecret.reveal() };
    if (pageAccess === undefined) return;
    // A browser that still calls this a visit from another site might leave out the cookie again, and never arrive.
    if (isSecondLoad(request) && !comesFromElsewhere(request)) return deps.sendToClean(request, reply);
    const trace = deps.host.traceOf(request);
    const actor = pageAccess.for === 'session' ? null : actorOf(visitor.caller, pageAccess, request.query, trace);
    request.pageActor = actor;
    await deps.host.admit(request, visitor.caller, actor);
  });

  app.addHook('preHandler', (request, reply, done) => {
    // A sign-in has no session yet. requireSameOrigin has already checked where its form comes from.
    const isBound = request.method === 'POST' && request.routeOptions.config.pageAccess !== undefined;
    if (isBound) app.csrfProtection(request, reply, done);
    else done();
  });
}

/** Name of the parameter that says that a page was loaded once more. */
export const secondLoad = 'from_link';

function isSecondLoad(request: FastifyRequest): boolean {
  return request.method !== 'POST' && (request.query as Record<string, unknown>)[secondLoad] !== undefined;
}

async function findVisitor(
  request: FastifyRequest,
  { cookie, resumeSession, host }: VisitorDeps,
): Promise<Visitor | undefined> {
  const id = cookie.read(request);
  if (id === undefined) return undefined;
  // A page that brings itself up to date would keep the session of a browser that was left open.
  const isActivity = request.headers['hx-request'] === undefined;
  const resumed = await resumeSession(id, host.traceOf(request), { isActivity });
  return resumed && { ...resumed, sessionId: id };
}
