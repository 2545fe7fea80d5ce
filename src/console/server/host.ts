import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, Caller, Trace } from '../../domain/callers/caller.ts';
import type { BrokerError, BrokerErrorCode } from '../../domain/errors.ts';

/** Services that the HTTP server lends to the console, so that both treat a request alike. */
export interface ConsoleHost {
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
