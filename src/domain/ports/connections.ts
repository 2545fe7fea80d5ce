import type { Connection, Flow } from '../connections/connection.ts';
import type { FailedAuthorization } from '../failed-authorization.ts';
import type { Grant, GrantStatus, StatusReason } from '../grants/grant.ts';

/**
 * A connection as one organisation sees it. The status comes from its own grant, else the shared one, else the latest
 * authorization.
 */
export interface ConnectionRecord {
  connection: Connection;
  status: GrantStatus;
  statusReason: StatusReason | null;
  statusMessage: string | null;
  /** Failed authorization that the status comes from; null if it comes from elsewhere. */
  failure: FailedAuthorization | null;
  /** Grant that serves a fetch without subject. */
  served: Grant | null;
  /** Whether the organisation's own connection of the same name hides this global one. */
  shadowed: boolean;
}

export interface ConnectionFilter {
  includeGlobal: boolean;
  status?: GrantStatus;
  provider?: string;
  flow?: Flow;
  /** Part of the name or the description, case-insensitive. */
  q?: string;
  limit: number;
  /** Cursor of an earlier page. Any other value throws `invalid_request`. */
  cursor?: string;
}

export interface ConnectionPage {
  records: ConnectionRecord[];
  /** Number of matches on all pages. */
  count: number;
  nextCursor: string | null;
}

export interface ConnectionReader {
  /** Finds the organisation's own connection of that name, else the global one. */
  find(name: string): Promise<ConnectionRecord | undefined>;
  /** Finds only a connection that this organisation owns. */
  findOwn(name: string): Promise<ConnectionRecord | undefined>;
  list(filter: ConnectionFilter): Promise<ConnectionPage>;
}

export interface ConnectionWriter extends ConnectionReader {
  /**
   * Lets one application of a file change this organisation's connections at a time, until the transaction ends. Called
   * before any row is locked: in the other order, two transactions could wait for each other.
   */
  queueApplication(): Promise<void>;
  /** Locks the row until the transaction ends, so that an edit and its effects are atomic. */
  lockOwn(name: string): Promise<Connection | undefined>;
  /**
   * Finds the organisation's own or a global connection by id. Locks it against edits and deletion, not against
   * readers.
   */
  lockForUse(id: string): Promise<Connection | undefined>;
  /** Throws `connection_exists`. */
  insert(connection: Connection): Promise<void>;
  /** Writes settings, secrets, versions and updated_at of a row locked by lockOwn. */
  update(connection: Connection): Promise<void>;
  /** Deletes the connection with its grants, authorizations and other dependent rows of every organisation. */
  delete(id: string): Promise<void>;
}
