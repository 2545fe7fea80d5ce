import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticateCaller } from '../broker/callers/authenticate-caller.ts';
import { authorize } from '../domain/callers/access.ts';
import type { Caller } from '../domain/callers/caller.ts';
import { organizationIdPattern } from '../domain/connections/connection.ts';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import { Secret } from '../domain/secret.ts';
import { createLookUpTurns } from './limits/look-up-turns.ts';
import type { RateLimits } from './limits/rate-limit.ts';
import { traceOf } from './trace.ts';

const bearerPattern = /^Bearer +(\S.{0,8191})$/i;

/** Establishes caller, permission and organisation before the body is read. */
export function registerAuthentication(
  app: FastifyInstance,
  authenticateCaller: AuthenticateCaller,
  { failures, publicRequests, countCaller }: RateLimits,
): void {
  const lookUps = createLookUpTurns(failures);

  async function authenticate(request: FastifyRequest, needsDatabase: boolean): Promise<Caller> {
    let hasTurn = false;
    // Beyond the limit only keys in memory are recognised: made-up keys cost the database nothing more.
    const mayLookUp = async () => {
      hasTurn = await lookUps.enter(request);
      return hasTurn;
    };
    try {
      return await authenticateCaller(bearerOf(request), { mayLookUp, needsDatabase });
    } catch (error) {
      // Only failures are counted: a caller that shares an address with an attacker is not locked out.
      if (isBrokerError(error, 'unauthorized')) await failures.count(request);
      throw error;
    } finally {
      if (hasTurn) lookUps.leave(request);
    }
  }

  app.addHook('onRequest', async (request) => {
    const { declaration } = request.routeOptions.config;
    if (declaration === undefined) return;
    const { access, needsDatabase = true } = declaration;
    if (access.for === 'public') {
      if (access.limited) await publicRequests.count(request);
      return;
    }
    const caller = await authenticate(request, needsDatabase);
    request.caller = caller;
    // No promise for callers without a limit: a fetch stays as fast as it is.
    if (caller.rateLimitPerMinute !== null) await countCaller(request, caller);
    request.actor = authorize(caller, access, organizationOf(request), traceOf(request));
  });
}

function bearerOf(request: FastifyRequest): Secret {
  const token = bearerPattern.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw BrokerError.of('unauthorized', 'Send an API key: Authorization: Bearer <key>.');
  return new Secret(token);
}

function organizationOf(request: FastifyRequest): string | undefined {
  const named = request.headers['x-organization-id'];
  if (named === undefined) return undefined;
  if (typeof named === 'string' && organizationIdPattern.test(named)) return named;
  throw invalidRequest({ path: 'header.X-Organization-Id', message: `must match ${organizationIdPattern.source}` });
}
