import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Secret } from '../../domain/secret.ts';
import { cookieSigner } from './cookie-signer.ts';

/** The cookie that holds the id of a session. */
export interface SessionCookie {
  /** Returns the id of a cookie that this service has set. Throws service_unavailable during the start. */
  read(request: FastifyRequest): Secret | undefined;
  write(reply: FastifyReply, id: Secret, maxAgeSeconds: number): void;
  clear(reply: FastifyReply): void;
}

const idPattern = /^[\w-]{43}$/;

export interface SessionCookieOptions {
  isHttps: boolean;
  baseUrl: () => string;
  /** Keys of the signature: the first signs, all verify. */
  cookieKeys: () => readonly string[];
}

/**
 * Creates the cookie. Its signature costs a made-up id no query of the database: unlike keys, ids are in no memory. `isHttps`: the browser reaches the console by https. Without it the cookie can have neither the
 * attribute Secure nor the prefix that needs it (RFC 6265bis §4.1.3): a sign-in is then allowed on this computer only.
 */
export function createSessionCookie({ isHttps, baseUrl, cookieKeys }: SessionCookieOptions): SessionCookie {
  const attributes = { httpOnly: true, secure: isHttps, sameSite: 'strict', path: '/' } as const;
  // RFC 6265 §8.5: cookies do not separate ports. The tag tells two services on one host apart.
  const tag = () => createHash('sha256').update(baseUrl()).digest('base64url').slice(0, 8);
  const name = () => `${isHttps ? '__Host-' : ''}token-broker-${tag()}-console`;

  return {
    read(request) {
      const signed = request.cookies[name()];
      if (signed === undefined) return undefined;
      const { valid, value } = cookieSigner(cookieKeys()).unsign(signed);
      return valid && idPattern.test(value) ? new Secret(value) : undefined;
    },
    write(reply, id, maxAgeSeconds) {
      reply.setCookie(name(), cookieSigner(cookieKeys()).sign(id.reveal()), { ...attributes, maxAge: maxAgeSeconds });
    },
    clear(reply) {
      reply.setCookie(name(), '', { ...attributes, maxAge: 0 });
    },
  };
}
