import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { PageHost } from '../../domain/console/page-host.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { noteRefusal } from '../errors.ts';
import { createLookUpTurns } from '../limits/look-up-turns.ts';
import type { RateLimits } from '../limits/rate-limit.ts';
import { problems } from '../problem.ts';
import { headersOf } from '../problem-headers.ts';
import { traceOf } from '../trace.ts';

type Host = PageHost<FastifyRequest, FastifyReply>;

/** Registers pages of another layer in a scope of their own. */
export type RegisterPages = (app: FastifyInstance, host: Host) => Promise<void>;

export function createPageHost({ failures, publicRequests, countCaller }: RateLimits): Host {
  const lookUps = createLookUpTurns(failures);
  return {
    refusalOf: noteRefusal,
    problemOf: (code) => problems[code],
    setProblemHeaders: (refusal, reply) => reply.headers(headersOf(refusal)),
    traceOf,

    async admit(request, caller, actor) {
      request.caller = caller;
      request.actor = actor;
      if (caller.rateLimitPerMinute !== null) await countCaller(request, caller);
    },

    countPublicRequest: (request) => publicRequests.count(request),

    async guardSignIn(request, signIn) {
      let hasTurn = false;
      try {
        return await signIn(async () => {
          hasTurn = await lookUps.enter(request);
          return hasTurn;
        });
      } catch (error) {
        if (isBrokerError(error, 'unauthorized')) await failures.count(request);
        throw error;
      } finally {
        if (hasTurn) lookUps.leave(request);
      }
    },
  };
}
