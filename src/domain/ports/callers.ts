import type { AuditEvent } from '../audit.ts';
import type { Authorization } from '../authorization.ts';
import type { ApiKey } from '../callers/api-key.ts';
import type { Reach } from '../callers/caller.ts';
import type { Session } from '../callers/session.ts';
import type { Connection, OrganizationId } from '../connections/connection.ts';

export interface AuthorizationWithConnection {
  authorization: Authorization;
  connection: Connection;
}

/** Parts of an authorization that are kept if its connection is deleted: enough to send its browser back. */
export interface DeletedAuthorization {
  connectionName: string;
  /** Organisation that owned the connection; null if it was global. */
  connectionOwner: OrganizationId;
  browserHash: string;
  returnUrl: string | null;
  clientState: string | null;
}

/** Finds authorizations by their state. The state itself is the proof of access; the row names the organisation. */
export interface AuthorizationLookup {
  find(stateHash: string): Promise<AuthorizationWithConnection | undefined>;
  /** Finds an authorization that was opened, and still open, when its connection was deleted. */
  findDeleted(stateHash: string): Promise<DeletedAuthorization | undefined>;
  /** Binds a pending, unexpired authorization to a browser. The last browser to open the link wins. */
  bind(stateHash: string, browserHash: string, now: Date): Promise<AuthorizationWithConnection | undefined>;
  /**
   * Consumes the state in one conditional update on state and browser. A callback from another browser consumes
   * nothing. The hash of the callback recognises the same callback later.
   */
  consume(
    stateHash: string,
    by: { browserHash: string; callbackHash: string },
    now: Date,
  ): Promise<AuthorizationWithConnection | undefined>;
  /** Lists authorizations that hold tokens after the end of their wait, longest first. */
  listOverdue(now: Date, limit: number): Promise<OverdueAuthorization[]>;
}

export type OverdueAuthorization = Pick<Authorization, 'stateHash' | 'organizationId' | 'connectionId'>;

export interface KeyRevocation {
  reach: Reach;
  cascade: boolean;
  now: Date;
  eventOf: (key: ApiKey) => AuditEvent;
}

export interface ApiKeyStore {
  find(id: string): Promise<ApiKey | undefined>;
  /**
   * Inserts the key and its audit event in one transaction. Returns false if the key that makes it was revoked meanwhile.
   */
  insert(key: ApiKey, event: AuditEvent): Promise<boolean>;
  /** Lists the keys within the reach. */
  list(reach: Reach): Promise<ApiKey[]>;
  /**
   * Revokes a key within the reach and, with cascade, every key below it in the chain of `created_by`, each with its audit
   * event, in one transaction. Returns the keys that it revoked; empty if there was none.
   */
  revoke(id: string, revocation: KeyRevocation): Promise<ApiKey[]>;
  /** Records the last use, best effort. The caller batches the ids. */
  touch(ids: readonly string[], now: Date): Promise<void>;
}

/** Sessions of the console. They belong to callers, not to organisations. */
export interface ConsoleSessions {
  /**
   * Inserts the session and its audit event in one transaction. Of the caller's sessions only the newest `kept` stay: a
   * program that signs in without end fills no table.
   */
  create(session: Session, event: AuditEvent, kept: number): Promise<void>;
  find(idHash: Uint8Array): Promise<Session | undefined>;
  /** Writes the time of a request, best effort. The time never goes back. */
  touch(idHash: Uint8Array, now: Date): Promise<void>;
  /** Removes a session and appends the event in one transaction. Returns false, without an event, if it has ended. */
  end(idHash: Uint8Array, eventOf: (session: Session) => AuditEvent): Promise<boolean>;
  /** Removes every session of a caller, with one event for all of them. Returns their number. */
  endAllOf(callerId: string, eventOf: (ended: number) => AuditEvent): Promise<number>;
  /** Lists the sessions of a caller, the latest request first. */
  listOf(callerId: string, limit: number): Promise<Session[]>;
  /** Removes at most `limit` sessions whose last request is older than `before`. Returns their number. */
  removeIdle(before: Date, limit: number): Promise<number>;
  /** Appends the event of a sign-in that opened no session. */
  refuse(event: AuditEvent): Promise<void>;
}
