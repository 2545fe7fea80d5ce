import type { AuditEvent } from '../audit.ts';
import type { Connection } from '../connection.ts';
import type { CredentialMatch, CredentialQuery } from '../credential.ts';
import type { Grant, StatusReason } from '../grant.ts';
import type { FailureRun } from '../refresh-policy.ts';
import type { GrantBase } from './spool.ts';
import type { StoredTokens } from './stores.ts';

/** The hot path: one statement per fetch. */
export interface CredentialLookup {
  /** What is in memory, with one grant or more; undefined where the row has to be read. */
  recall(query: CredentialQuery): CredentialMatch | undefined;
  /** Undefined where the organisation has no connection of that name and there is no global one. */
  find(query: CredentialQuery): Promise<CredentialMatch | undefined>;
  /** The same as it is stored at this moment, whatever was found before: for whoever doubts what `find` told. */
  findStored(query: CredentialQuery): Promise<CredentialMatch | undefined>;
}

export interface GrantWithConnection {
  grant: Grant;
  connection: Connection;
}

export interface LeasedGrant extends GrantWithConnection {
  /** True where an earlier holder may have sent a refresh whose answer was never stored. */
  interrupted: boolean;
  /** True where the earlier holder never gave the lease back: killed, or cut off with an answer in hand. */
  lapsed: boolean;
}

export interface RecordedFailure {
  /** Null leaves status and reason as they are. */
  failed: StatusReason | null;
  message: string;
  retryAt: Date | null;
  /** True keeps refresh_started_at: the call may have been answered, and whoever comes next must know. */
  keepIntent: boolean;
  /** It grows where nothing is said. */
  run?: FailureRun;
}

/** At most so many refreshes on demand of one grant within so long, counted over all processes. */
export interface ForcedRefreshLimit {
  most: number;
  withinMs: number;
}

/**
 * Upkeep of grants by id, across organisations. Every write compares the version it read; a lease only says who is
 * calling the provider. Times of leases are the database's.
 */
export interface RefreshStore {
  find(grantId: string): Promise<GrantWithConnection | undefined>;
  /**
   * Takes the lease and marks the intent in one conditional update; undefined, with nothing written, while another holds
   * it, where the grant is gone, and where it no longer has the version that is named.
   */
  acquire(grantId: string, owner: string, leaseMs: number, version?: number): Promise<LeasedGrant | undefined>;
  /** For the lease's holder: undefined where one more refresh on demand is counted, else the milliseconds until one may be. */
  countForced(grantId: string, limit: ForcedRefreshLimit): Promise<number | undefined>;
  /** Gives the lease up without a result; the intent goes back to what it was before acquire. */
  release(leased: LeasedGrant, owner: string): Promise<void>;
  /** New tokens at version + 1, completed, failures forgotten. False where the row moved or is gone; nothing is written then. */
  save(base: GrantBase, owner: string, tokens: StoredTokens, event: AuditEvent): Promise<boolean>;
  /** Marks a failure without touching tokens or version. False where the row moved or is gone. */
  fail(leased: LeasedGrant, owner: string, failure: RecordedFailure, event: AuditEvent): Promise<boolean>;
  /** client_rejected condemns the client, not one grant: every completed grant of the connection fails with it. */
  failAllOf(connectionId: string, reason: StatusReason, message: string): Promise<void>;
}

/** Wakes whoever waits for another process's refresh. */
export interface GrantSignals {
  /** Begins before the row is read, so that what happens after the reading is not missed. */
  watch(grantId: string): GrantWatch;
  /** For how long no notification can have been missed; 0 while one can. */
  heardForMs(): number;
}

export interface GrantWatch {
  /**
   * Resolves when the grant was said to have changed since the last time, when it is time to look anyway, or after
   * `atMostMs`: a signal may be lost, the row is what counts.
   */
  changed(atMostMs: number): Promise<void>;
  end(): void;
}
