import type { Actor, Caller, Trace } from '../callers/caller.ts';
import type { BrokerError, BrokerErrorCode } from '../errors.ts';

/** Services that the HTTP server of the API lends to the console, so that both treat a request alike. */
export interface PageHost<Request, Reply> {
  /** Turns any error into a refusal, logs it and notes its code for the request log. */
  refusalOf: (error: unknown, request: Request) => BrokerError;
  problemOf: (code: BrokerErrorCode) => { status: number; title: string };
  setProblemHeaders: (refusal: BrokerError, reply: Reply) => void;
  traceOf: (request: Request) => Trace;
  /** Notes who acts, for the request log, and counts the request against the caller's own limit. Throws rate_limited. */
  admit: (request: Request, caller: Caller, actor: Actor | null) => Promise<void>;
  /** Counts a request without a session against the limit of its address. Throws rate_limited. */
  countPublicRequest: (request: Request) => Promise<void>;
  /** Runs a sign-in within the limits of failed authentication. Throws rate_limited. */
  guardSignIn: <T>(request: Request, signIn: (mayLookUp: () => Promise<boolean>) => Promise<T>) => Promise<T>;
}
