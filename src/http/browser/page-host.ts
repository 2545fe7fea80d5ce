import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, Caller, Trace } from '../../domain/callers/caller.ts';
import { type BrokerError, type BrokerErrorCode, isBrokerError } from '../../domain/errors.ts';
import { noteRefusal } from '../errors.ts';
import { createLookUpTurns } from '../limits/look-up-turns.ts';
import type { RateLimits } from '../limits/rate-limit.ts';
import { problems } from '../problem.ts';
import { headersOf } from '../problem-headers.ts';
import { traceOf } from '../trace.ts';

/** Services that the server lends to the pages of another layer, so that both treat a request alike. */
export interface PageHost {
  /** Turns any error into a refusal, logs it and notes its code for the request log. */
  refusalOf: (error: unknown, request: FastifyRequest) => BrokerError;
  problemOf: (code: BrokerErrorCode) => { status: number; title: string };
  setProblemHeaders: (refusal: BrokerError, reply: FastifyReply) => void;
  traceOf: (request: FastifyRequest) => Trace;
  /** Notes who acts, for the request log, and counts the request against the caller's own limit. Throws rate_limited. */
  admit: (request: FastifyRequest, caller: Caller, actor: Actor | null) => Promise<void>;
  /** Counts a request without a session against the limit of its address. Throws rate_limited. */
  countPublicRequest: (request: FastifyRequest) => Promise<void>;
  /** Runs a sign-in within the limits of failed authentication. Throws rate_limited. */
  guardSignIn: <T>(request: FastifyRequest, signIn: (mayLookUp: () => Promise<boolean>) => Promise<T>) => Promise<T>;
}

/** Registers pages of another layer in a scope of their own. */
export type RegisterPages = (app: FastifyInstance, host: PageHost) => Promise<void>;

export function createPageHost({ failures, publicRequests, countCaller }: RateLimits): PageHost {
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
