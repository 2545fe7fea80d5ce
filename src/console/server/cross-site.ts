import type { FastifyRequest } from 'fastify';
import { BrokerError } from '../../domain/errors.ts';

/**
 * Throws forbidden for a form that another site sent. Browsers say so in Sec-Fetch-Site (Fetch Metadata); one without
 * that header says the origin of the form (RFC 6454 §7). A form without both comes from no browser of this decade.
 */
export function requireSameOrigin({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined ? isHostOf(headers.origin, headers.host) : site === 'same-origin') return;
  throw BrokerError.with('forbidden', 'The form was not sent by a page of this console. Nothing was changed.', {
    required_permission: '',
  });
}

/**
 * Tells whether the browser came from another site, and therefore left out the cookie of the session (SameSite=Strict).
 * The page is then loaded once more, by a page of this console.
 */
export function comesFromElsewhere({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] === 'navigate';
}

function isHostOf(origin: string | undefined, host: string | undefined): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
