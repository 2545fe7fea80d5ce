import type { Secret } from '../secret.ts';
import type { Person } from './console-role.ts';

/**
 * Who opened a session. It holds no rights: each request resolves the caller anew.
 * - bootstrap: the proof is SHA-256 of the session id and ADMIN_API_KEY, so that another key ends the session.
 * - person: the role is the value of the configured role that decided at sign-in.
 */
export type SessionIdentity =
  | { kind: 'api_key'; id: string }
  | { kind: 'bootstrap'; proof: string }
  | ({ kind: 'person'; role: string } & Person);

/** A session of the console. Its id is known to the browser alone. */
export interface Session {
  /** SHA-256 of the id. */
  idHash: Uint8Array;
  identity: SessionIdentity;
  /** Id of the caller that the identity resolves to. */
  callerId: string;
  csrfSecret: Secret;
  createdAt: Date;
  /** Up to five minutes before the last request. */
  lastSeenAt: Date;
  /** Address and User-Agent of the sign-in. */
  address: string | null;
  agent: string | null;
}

/** Milliseconds without a request after which a session is over, one hour: a browser was left open. */
export const idleLimitMs = 60 * 60_000;
/** Milliseconds after which a session is over however busy it is, twelve hours: one sign-in a working day. */
export const absoluteLimitMs = 12 * 60 * 60_000;
/** Milliseconds between two writes of the last request. It shortens the idle limit by as much at most. */
export const touchEveryMs = 5 * 60_000;

/** Maximum number of sessions of one caller. A new one ends the one that was idle longest. */
export const maxSessionsOfCaller = 100;

type Times = Pick<Session, 'createdAt' | 'lastSeenAt'>;

/** Checks whether a session is past one of its limits. */
export function isOver({ createdAt, lastSeenAt }: Times, now: Date): boolean {
  return now.getTime() - lastSeenAt.getTime() >= idleLimitMs || now.getTime() - createdAt.getTime() >= absoluteLimitMs;
}

/** Checks whether a request writes its time to the session. */
export function needsTouch({ lastSeenAt }: Pick<Session, 'lastSeenAt'>, now: Date): boolean {
  return now.getTime() - lastSeenAt.getTime() >= touchEveryMs;
}

/** Time of the last request before which every session is over. A session past its absolute limit is idle an hour later. */
export function idleBefore(now: Date): Date {
  return new Date(now.getTime() - idleLimitMs);
}
