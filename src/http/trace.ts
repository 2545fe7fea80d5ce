import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Trace } from '../domain/caller.ts';

const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The caller's own request id where it is harmless, so that its logs and ours can be read together. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID();
}

/**
 * Who is calling, as far as TRUST_PROXY vouches for it. A forwarded entry that is no address (a port behind it, plain
 * rubbish) is not believed: the proxy's own address counts then.
 */
export function addressOf(request: FastifyRequest): string {
  if (isIP(request.ip) !== 0) return request.ip;
  const remote = request.socket.remoteAddress;
  return remote === undefined || isIP(remote) === 0 ? '0.0.0.0' : remote;
}

export function traceOf(request: FastifyRequest): Trace {
  return { requestId: request.id, address: addressOf(request) };
}
