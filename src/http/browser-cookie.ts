import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const idPattern = /^[A-Za-z0-9_-]{22,256}$/;
const halfAYearSeconds = 180 * 24 * 3600;

/** The id of a browser, kept in one signed cookie. It says nothing of the person and opens nothing by itself. */
export interface BrowserCookie {
  /** Null where it is absent, altered, or signed by no key of ours. */
  read: (request: FastifyRequest) => string | null;
  write: (reply: FastifyReply, browserId: string) => void;
}

export interface BrowserCookieOptions {
  /** Whether people reach us by https. */
  secure: boolean;
  basePath: string;
  /** Newest first: the first signs, all verify. */
  keys: readonly string[];
}

export async function registerBrowserCookie(
  app: FastifyInstance,
  { secure, basePath, keys }: BrowserCookieOptions,
): Promise<BrowserCookie> {
  await app.register(cookie, { secret: [...keys] });
  // RFC 6265bis §4.1.3: browsers hold cookies of these names to Secure, and __Host- to this very host and the whole of it.
  const name = `${secure ? (basePath === '' ? '__Host-' : '__Secure-') : ''}token-broker-browser`;
  return {
    read: (request) => {
      const raw = request.cookies[name];
      const signed = raw === undefined ? undefined : request.unsignCookie(raw);
      return signed?.valid === true && idPattern.test(signed.value) ? signed.value : null;
    },
    write: (reply, browserId) => {
      reply.setCookie(name, browserId, {
        signed: true,
        httpOnly: true,
        secure,
        // A form_post callback is a cross-site POST, which brings only SameSite=None along, which needs https.
        sameSite: secure ? 'none' : 'lax',
        path: basePath === '' ? '/' : basePath,
        maxAge: halfAYearSeconds,
      });
    },
  };
}
