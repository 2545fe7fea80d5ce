import type { QueueFailure } from '../../domain/queue-failure.ts';

/**
 * Replies of Redis that refuse a command. Redis 6 and 7 put the code at different places of the message if a script was
 * refused, so it is searched for in the whole message.
 */
const redisReplies: readonly [pattern: RegExp, failure: QueueFailure][] = [
  [/\bOOM\b/, 'out_of_memory'],
  [/\bREADONLY\b/, 'read_only'],
  // Redis 7 reports a script that its user may not run to the end in one of two sentences.
  [/\bNOPERM\b|\bACL failure in script\b|\bcan't run this command\b/, 'no_permission'],
  [/\bNOAUTH\b|\bWRONGPASS\b|\binvalid password\b/, 'authentication'],
  [/\bMISCONF\b/, 'snapshot_failed'],
  [/\bLOADING\b|\bMASTERDOWN\b/, 'starting'],
  [/\bBUSY\b|\bmax number of clients reached\b/, 'busy'],
  [/\b(?:CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|NOREPLICAS)\b/, 'cluster'],
];

/** SQLSTATEs with which Postgres refuses a statement (PostgreSQL documentation, Appendix A). */
const sqlStates: Readonly<Record<string, QueueFailure>> = {
  '25006': 'read_only',
  '28000': 'authentication',
  '28P01': 'authentication',
  '42501': 'no_permission',
  '53100': 'disk_full',
  '53200': 'out_of_memory',
  '53300': 'busy',
  '57P03': 'starting',
};

/** Causes below the first error. Also ends chains that form a cycle. */
const maxDepth = 4;

/** Returns why the server of the queue refused a command, or `unreachable` if the error does not tell. */
export function failureOf(error: unknown, depth = 0): QueueFailure {
  if (!(error instanceof Error) || depth > maxDepth) return 'unreachable';
  const state = 'code' in error && typeof error.code === 'string' ? sqlStates[error.code] : undefined;
  if (state !== undefined) return state;
  const reply = redisReplies.find(([pattern]) => pattern.test(error.message));
  return reply?.[1] ?? failureOf(error.cause, depth + 1);
}
