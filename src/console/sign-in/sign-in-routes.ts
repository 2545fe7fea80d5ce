import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { EndSession } from '../../broker/sessions/end-session.ts';
import type { OpenSession } from '../../broker/sessions/open-session.ts';
import type { ResumeSession } from '../../broker/sessions/resume-session.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { Secret } from '../../domain/secret.ts';
import { optionalText, readFields } from '../server/forms.ts';
import type { ConsoleHost } from '../server/host.ts';
import type { Pages } from '../server/page-route.ts';
import type { Responses } from '../server/responses.ts';
import type { SessionCookie } from '../server/session-cookie.ts';
import { insecurePage } from './insecure-page.ts';
import { signInPage } from './sign-in-page.ts';

export interface SessionUseCases {
  openSession: OpenSession;
  resumeSession: ResumeSession;
  endSession: EndSession;
}

export interface SignInDeps {
  useCases: SessionUseCases;
  host: ConsoleHost;
  responses: Responses;
  sessionCookie: SessionCookie;
  isHttps: boolean;
  version: string;
  firstKeyFile: string | null;
}

/** A page of the console. Any other address after a sign-in would lead a person away (CWE-601). */
const ownPage = z
  .string()
  .max(2000)
  .regex(/^\/console(?:$|[/?])[^\\]*$/)
  .optional()
  .catch(undefined);
const signInForm = z.object({ key: optionalText, next: ownPage });
const signInQuery = z.object({ next: ownPage, ended: optionalText });

/** Seconds that a browser keeps the cookie. The session itself ends at most that late. */
const cookieSeconds = 12 * 60 * 60;

export function signInPath(next?: string): string {
  return next === undefined || next === '/console'
    ? '/console/sign-in'
    : `/console/sign-in?${new URLSearchParams({ next })}`;
}

export function signInRoutes(app: FastifyInstance, pages: Pages, deps: SignInDeps): void {
  const { useCases, host, responses, sessionCookie, isHttps, version, firstKeyFile } = deps;

  const show = (
    reply: FastifyReply,
    { next, message = null, status = 200 }: { next?: string | undefined; message?: Message | null; status?: number },
  ) =>
    responses.sendCard(reply, {
      title: 'Sign in',
      status,
      body: signInPage({
        version,
        action: responses.href('/console/sign-in'),
        provider: null,
        next,
        firstKeyFile,
        message,
      }),
    });

  const isInsecure = (request: FastifyRequest) => !isHttps && !isLoopback(request.hostname);
  const refuseInsecure = (reply: FastifyReply) =>
    responses.sendCard(reply, { title: 'The console needs https', status: 403, body: insecurePage });

  app.get('/sign-in', { config: { page: '/console/sign-in' } }, async (request, reply) => {
    await host.countPublicRequest(request);
    const { next, ended } = readFields(signInQuery, request.query);
    if (isInsecure(request)) return refuseInsecure(reply);
    if (request.visitor !== null) return reply.redirect(responses.href(next ?? '/console'), 303);
    return show(reply, { next, message: ended === undefined ? null : (endedMessages[ended] ?? null) });
  });

  app.post('/sign-in', { config: { page: '/console/sign-in' } }, async (request, reply) => {
    if (isInsecure(request)) return refuseInsecure(reply);
    const { key, next } = readFields(signInForm, request.body ?? {});
    if (key === undefined)
      return show(reply, { next, message: { tone: 'bad', text: 'Enter an API key.' }, status: 400 });
    try {
      const opened = await host.guardSignIn(request, (mayLookUp) =>
        useCases.openSession(
          { kind: 'api_key', key: new Secret(key), mayLookUp },
          { ...host.traceOf(request), agent: agentOf(request) },
        ),
      );
      sessionCookie.write(reply, opened.id, cookieSeconds);
      return reply.redirect(responses.href(next ?? '/console'), 303);
    } catch (error) {
      if (!isBrokerError(error, 'unauthorized')) throw error;
      host.refusalOf(error, request);
      return show(reply, { next, message: refusedMessage, status: 401 });
    }
  });

  pages.mount({ method: 'POST', path: '/sign-out', access: { for: 'session' } }, async (visit) => {
    await useCases.endSession(visit.sessionId, visit, visit.trace);
    return { seeOther: '/console/sign-in?ended=signed_out' };
  });
}

interface Message {
  tone: 'bad' | 'neutral';
  text: string;
}

const refusedMessage: Message = {
  tone: 'bad',
  text: 'This key is not valid: it is unknown, has expired or was revoked.',
};

const endedMessages: Record<string, Message | undefined> = {
  signed_out: { tone: 'neutral', text: 'You are signed out.' },
};

function agentOf({ headers }: FastifyRequest): string | null {
  return headers['user-agent']?.slice(0, 300) ?? null;
}

/** Browsers treat these hosts as secure (W3C Secure Contexts §3.1). */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    /^127(\.\d+){3}$/.test(hostname) ||
    hostname === '[::1]'
  );
}
