import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cookiesOf, tagOf } from './signed-cookies.ts';

/**
 * Proves that the page before the provider was shown in the browser that submits its form. Another site can make a
 * browser send the form, and can open the page itself, but it does not know the token of this browser.
 */
export interface PageTokens {
  /** Returns the token of a link in this browser. Sets the cookie that it depends on, if the browser has none. */
  issue(request: FastifyRequest, reply: FastifyReply, state: string): string;
  verify(request: FastifyRequest, state: string, token: string | null): boolean;
}

/** 128 bits. */
const nonceBytes = 16;
const noncePattern = /^[\w-]{22}$/;

/** `app` has the cookie plugin of the browser cookies. */
export function createPageTokens(
  app: FastifyInstance,
  { secure, baseUrl }: { secure: boolean; baseUrl: () => string },
): PageTokens {
  const nameNow = () => `${secure ? '__Host-' : ''}token-broker-${tagOf(baseUrl())}-page`;
  const nonces = (request: FastifyRequest) =>
    cookiesOf(request).flatMap(({ name, value }) => {
      const signed = name === nameNow() ? app.unsignCookie(value) : undefined;
      return signed?.valid === true && noncePattern.test(signed.value) ? [signed.value] : [];
    });

  return {
    // One nonce for all links: tabs that are open beside each other keep their tokens.
    issue(request, reply, state) {
      const [held] = nonces(request);
      if (held !== undefined) return tokenOf(held, state);
      const nonce = randomBytes(nonceBytes).toString('base64url');
      // Lax: links from other sites bring the cookie, forms of other sites do not. It ends with the browser session.
      reply.setCookie(nameNow(), nonce, { httpOnly: true, secure, sameSite: 'lax', path: '/', signed: true });
      return tokenOf(nonce, state);
    },

    verify: (request, state, token) =>
      isOwnForm(request) && nonces(request).some((nonce) => tokenOf(nonce, state) === token),
  };
}

/**
 * Recognises forms of this origin (Fetch Metadata). A page of a neighbouring subdomain may have planted the cookie.
 * Browsers that send no such header are let through.
 */
function isOwnForm({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

function tokenOf(nonce: string, state: string): string {
  return createHash('sha256').update(`${nonce}.${state}`).digest('base64url');
}
