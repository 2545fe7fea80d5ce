import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticateCaller } from '../broker/authenticate-caller.ts';
import { requirePermission, selectOrganization } from '../domain/caller.ts';
import { organizationIdPattern } from '../domain/connection.ts';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import { Secret } from '../domain/secret.ts';
import type { CountRequest } from './rate-limit.ts';
import { traceOf } from './trace.ts';

const bearerPattern = /^Bearer +(\S.{0,8191})$/i;

/** Establishes caller, permission and organisation before a byte of the body is read. */
export function registerAuthentication(
  app: FastifyInstance,
  deps: { authenticateCaller: AuthenticateCaller; countFailure: CountRequest; countPublic: CountRequest },
): void {
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.declaration?.access;
    if (access === undefined) return;
    if (access.for === 'public') {
      if (access.limited) await deps.countPublic(request);
      return;
    }
    const caller = await authenticate(request, deps);
    request.caller = caller;
    requirePermission(caller, access.permission);
    const named = organizationOf(request);
    if (access.for === 'organization') request.actor = selectOrganization(caller, named, traceOf(request));
  });
}

async function authenticate(
  request: FastifyRequest,
  { authenticateCaller, countFailure }: { authenticateCaller: AuthenticateCaller; countFailure: CountRequest },
) {
  const token = bearerPattern.exec(request.headers.authorization ?? '')?.[1];
  try {
    if (token === undefined) {
      throw BrokerError.of('unauthorized', 'Send an API key: Authorization: Bearer <key>.');
    }
    return await authenticateCaller(new Secret(token));
  } catch (error) {
    // Only failures are counted: whoever shares an address with an attacker is not locked out.
    if (isBrokerError(error, 'unauthorized')) await countFailure(request);
    throw error;
  }
}

function organizationOf(request: FastifyRequest): string | undefined {
  const named = request.headers['x-organization-id'];
  if (named === undefined) return undefined;
  if (typeof named === 'string' && organizationIdPattern.test(named)) return named;
  throw invalidRequest({ path: 'header.X-Organization-Id', message: `must match ${organizationIdPattern.source}` });
}
