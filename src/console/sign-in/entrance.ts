import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EndSession } from '../../broker/sessions/end-session.ts';
import type { OpenSession, SignIn } from '../../broker/sessions/open-session.ts';
import type { ResumeSession } from '../../broker/sessions/resume-session.ts';
import { absoluteLimitMs } from '../../domain/callers/session.ts';
import type { ConsoleHost } from '../server/host.ts';
import type { Responses } from '../server/responses.ts';
import type { SessionCookie } from '../server/session-cookie.ts';
import { insecurePage } from './insecure-page.ts';

export interface SessionUseCases {
  openSession: OpenSession;
  resumeSession: ResumeSession;
  endSession: EndSession;
}

export interface EntranceDeps {
  useCases: Pick<SessionUseCases, 'openSession'>;
  host: Pick<ConsoleHost, 'traceOf'>;
  responses: Responses;
  sessionCookie: SessionCookie;
  isHttps: boolean;
}

/** The part that every way to sign in shares. */
export interface Entrance {
  /** Answers a request whose cookie could be read on its way. Returns undefined for any other request. */
  refuseInsecure: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined;
  /** Opens a session with a new id, whatever cookie the browser sent, and hands its cookie to the browser. */
  open: (signIn: SignIn, request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

export function createEntrance({ useCases, host, responses, sessionCookie, isHttps }: EntranceDeps): Entrance {
  return {
    refuseInsecure(request, reply) {
      if (isHttps || isLoopback(request.hostname)) return undefined;
      return responses.sendCard(reply, { title: 'The console needs https', status: 403, body: insecurePage });
    },

    async open(signIn, request, reply) {
      const agent = request.headers['user-agent']?.slice(0, 300) ?? null;
      const { id } = await useCases.openSession(signIn, { ...host.traceOf(request), agent });
      // The session itself ends at most that late.
      sessionCookie.write(reply, id, absoluteLimitMs / 1000);
    },
  };
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
