import type { AuditEvent } from '../audit.ts';
import type { Connection } from '../connections/connection.ts';
import type { ClientPauseRule } from '../grants/client-pause.ts';
import type { CredentialMatch, CredentialQuery } from '../grants/credential.ts';
import type { FailureRun } from '../grants/failure-policy.ts';
import type { Grant, LastError, StatusReason } from '../grants/grant.ts';
import type { StoredTokens } from './grants.ts';
import type { GrantBase } from './spool.ts';

/** Finds the grants that may serve a fetch: the hot path. */
export interface CredentialLookup {
  /** Answers from memory if it can. Undefined if neither the organisation nor the global scope has that connection. */
  find(query: CredentialQuery): Promise<CredentialMatch | undefined>;
  /** Reads the rows, for a caller that has reason to doubt the result of `find`. */
  findStored(query: CredentialQuery): Promise<CredentialMatch | undefined>;
}

export interface GrantWithConnection {
  grant: Grant;
  connection: Connection;
}

export interface LeasedGrant extends GrantWithConnection {
  /** Whether an earlier holder may have sent a refresh whose response was never stored. */
  interrupted: boolean;
  /** Whether the earlier holder never released the lease: it was killed, or cut off before it stored a response. */
  lapsed: boolean;
  /** Whether refusals of the client have paused the connection's background refreshes, or one of them tests the client. */
  clientPaused: boolean;
}

export interface RecordedFailure {
  /** Reason with which the grant fails; null leaves status and reason unchanged. */
  failed: StatusReason | null;
  message: string;
  retryAt: Date | null;
  /** Failure to show with the grant. Absent or null: the earlier one stays. */
  error?: LastError | null;
  /** Keeps refresh_started_at: the provider may have processed the call, and the next lease holder must know. */
  keepIntent: boolean;
  /** Defaults to grows. */
  run?: FailureRun;
  /** Run of failures that goes on although the save of a refresh token alone has cleared it from the row. */
  continues?: Pick<Grant, 'failingSince' | 'consecutiveFailures'>;
}

/** A failed refresh as it was recorded, for a log. */
export interface RefreshFailure {
  grant: Pick<Grant, 'id' | 'organizationId' | 'subject'>;
  connectionName: string;
  error: LastError;
  /** Reason with which the grant fails; null leaves it completed. */
  failed: StatusReason | null;
  retryAt: Date | null;
  /** Name of the second token set that was to be refreshed; absent for the main one. */
  sibling?: string;
}

/** Maximum number of refreshes on demand of one grant within a period, counted over all processes. */
export interface OnDemandLimit {
  most: number;
  withinMs: number;
}

/**
 * Maintains grants by id, across organisations. Every write compares the version that was read. A lease only says which
 * process calls the provider. Lease times use the database's clock.
 */
export interface RefreshStore {
  find(grantId: string): Promise<GrantWithConnection | undefined>;
  /**
   * Takes the lease and records the intent in one conditional update. Returns undefined, and writes nothing, if another
   * owner holds the lease, the grant is gone, or its version is not `version`.
   */
  acquire(grantId: string, owner: string, leaseMs: number, version?: number): Promise<LeasedGrant | undefined>;
  /**
   * Counts a refresh on demand of the lease holder. Returns undefined if it is allowed, else the milliseconds to wait.
   */
  countOnDemand(grantId: string, limit: OnDemandLimit): Promise<number | undefined>;
  /**
   * Records that the provider's API rejected the access token of this version. A later version ends the report. Needs no
   * lease.
   */
  reportToken(grant: Pick<Grant, 'id' | 'version'>): Promise<void>;
  /** Releases the lease without a result and restores the intent from before acquire. */
  release(leased: LeasedGrant, owner: string): Promise<void>;
  /**
   * Stores new tokens: version + 1, completed, failures cleared. Returns false, and writes nothing, if the version
   * changed. `sibling`: the second token set that is new. `metadata` is then its own, and the state of the main one stays.
   */
  save(base: GrantBase, owner: string, tokens: StoredTokens, event: AuditEvent, sibling?: string): Promise<boolean>;
  /**
   * Extends the lease of a holder that cannot save what the provider sent. Writes nothing if the version changed or
   * another owner has taken the lease.
   */
  keepLease(base: Pick<GrantBase, 'id' | 'version'>, owner: string, leaseMs: number): Promise<void>;
  /** Records a failure without touching tokens or version. Returns false if the version changed or the row is gone. */
  fail(leased: LeasedGrant, owner: string, failure: RecordedFailure, event: AuditEvent): Promise<boolean>;
  /**
   * Counts a refusal of the connection's client, and pauses the connection's background refreshes if the rule says so.
   * Changes no grant and no connection. A saved refresh and an edit of the connection clear count and pause.
   */
  countClientRefusal(grant: Pick<Grant, 'id' | 'connectionId'>, rule: ClientPauseRule): Promise<void>;
  /**
   * Takes the one background call by which a paused connection's client is tested after the pause. Returns undefined if
   * the call may be made, else the time until which to wait. `forMs`: the test counts as lost after that time.
   */
  takeClientProbe(connectionId: string, forMs: number): Promise<Date | undefined>;
  /** Ends a pause at once and forgets the refusals. */
  liftClientPause(connectionId: string): Promise<void>;
}

/**
 * Returns the store that refreshes one second token set of every grant. It shows a grant with that set in the place of
 * the main one, and writes nothing of the main one but version and lease, which they share.
 */
export type SiblingStores = (name: string) => RefreshStore;

/** Wakes a reader that waits for another process's refresh. */
export interface GrantSignals {
  /** Must be called before the row is read; otherwise a change between the two is missed. */
  watch(grantId: string): GrantWatch;
  /** Milliseconds for which no notification can have been missed; 0 while one can. */
  connectedForMs(): number;
}

export interface GrantWatch {
  /**
   * Resolves when the grant is reported as changed since the last call, when a poll is due, or after `maxWaitMs`.
   * Signals can be lost; only the row is authoritative.
   */
  changed(maxWaitMs: number): Promise<void>;
  end(): void;
}
