import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticateCaller } from '../broker/authenticate-caller.ts';
import { type Caller, requirePermission, selectOrganization } from '../domain/caller.ts';
import { organizationIdPattern } from '../domain/connection.ts';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import { Secret } from '../domain/secret.ts';
import type { Access } from './declaration.ts';
import type { CountRequest } from './rate-limit.ts';
import { traceOf } from './trace.ts';

const bearerPattern = /^Bearer +(\S.{0,8191})$/i;

/** Establishes caller, permission and organisation before a byte of the body is read. */
export function registerAuthentication(
  app: FastifyInstance,
  deps: { authenticateCaller: AuthenticateCaller; countFailure: CountRequest; countPublic: CountRequest },
): void {
  const { authenticateCaller, countFailure, countPublic } = deps;

  // Only failures are counted: whoever shares an address with an attacker is not locked out.
  async function refuse(request: FastifyRequest, error: unknown): Promise<never> {
    if (isBrokerError(error, 'unauthorized')) await countFailure(request);
    throw error;
  }

  function authenticate(request: FastifyRequest): Caller | Promise<Caller> {
    try {
      const caller = authenticateCaller(bearerOf(request));
      return caller instanceof Promise ? caller.catch((error) => refuse(request, error)) : caller;
    } catch (error) {
      return refuse(request, error);
    }
  }

  // A promise only where something has to be waited for: each one costs a fetch from memory a turn of the queue.
  function admit(request: FastifyRequest): Promise<void> | undefined {
    const access = request.routeOptions.config.declaration?.access;
    if (access === undefined) return undefined;
    if (access.for === 'public') return access.limited ? countPublic(request) : undefined;
    const caller = authenticate(request);
    if (caller instanceof Promise) return caller.then((late) => enter(request, access, late));
    enter(request, access, caller);
    return undefined;
  }

  app.addHook('onRequest', (request, _reply, done) => {
    // What comes behind the headers may yet be no HTTP: not answered before the parser has seen all that has arrived.
    const admitted = hasBody(request) ? Promise.resolve().then(() => admit(request)) : admit(request);
    if (admitted === undefined) done();
    else admitted.then(() => done(), done);
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function bearerOf(request: FastifyRequest): Secret {
  const token = bearerPattern.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw BrokerError.of('unauthorized', 'Send an API key: Authorization: Bearer <key>.');
  return new Secret(token);
}

function enter(request: FastifyRequest, access: Exclude<Access, { for: 'public' }>, caller: Caller): void {
  request.caller = caller;
  requirePermission(caller, access.permission);
  const named = organizationOf(request);
  if (access.for === 'organization') request.actor = selectOrganization(caller, named, traceOf(request));
}

function organizationOf(request: FastifyRequest): string | undefined {
  const named = request.headers['x-organization-id'];
  if (named === undefined) return undefined;
  if (typeof named === 'string' && organizationIdPattern.test(named)) return named;
  throw invalidRequest({ path: 'header.X-Organization-Id', message: `must match ${organizationIdPattern.source}` });
}
