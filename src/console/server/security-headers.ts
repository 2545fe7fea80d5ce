import { randomBytes } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** 128 bits: a page never allows the scripts of another page. */
const nonceBytes = 16;

export function newNonce(): string {
  return randomBytes(nonceBytes).toString('base64');
}

/**
 * Sets the headers of a page. Scripts run with the nonce of this response only. htmx writes to the page through its
 * Trusted Types policy, no other script can (W3C Trusted Types). Forms lead to this origin: that includes redirects of a
 * form (CSP 3 §6.4.1), so a form never ends at a provider.
 */
export function setSecurityHeaders(reply: FastifyReply, nonce: string): void {
  reply.headers({
    'content-security-policy': [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types htmx',
    ].join('; '),
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}
