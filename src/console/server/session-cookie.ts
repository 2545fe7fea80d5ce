import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Secret } from '../../domain/secret.ts';

/** The cookie that holds the id of a session. */
export interface SessionCookie {
  read(request: FastifyRequest): Secret | undefined;
  write(reply: FastifyReply, id: Secret, maxAgeSeconds: number): void;
  clear(reply: FastifyReply): void;
}

const idPattern = /^[\w-]{43}$/;

/**
 * Creates the cookie. `isHttps`: the browser reaches the console by https. Without it the cookie can have neither the
 * attribute Secure nor the prefix that needs it (RFC 6265bis §4.1.3): a sign-in is then allowed on this computer only.
 */
export function createSessionCookie({ isHttps, baseUrl }: { isHttps: boolean; baseUrl: () => string }): SessionCookie {
  const attributes = { httpOnly: true, secure: isHttps, sameSite: 'strict', path: '/' } as const;
  // RFC 6265 §8.5: cookies do not separate ports. The tag tells two services on one host apart.
  const tag = () => createHash('sha256').update(baseUrl()).digest('base64url').slice(0, 8);
  const name = () => `${isHttps ? '__Host-' : ''}token-broker-${tag()}-console`;

  return {
    read(request) {
      const value = request.cookies[name()];
      return value !== undefined && idPattern.test(value) ? new Secret(value) : undefined;
    },
    write(reply, id, maxAgeSeconds) {
      reply.setCookie(name(), id.reveal(), { ...attributes, maxAge: maxAgeSeconds });
    },
    clear(reply) {
      reply.setCookie(name(), '', { ...attributes, maxAge: 0 });
    },
  };
}
