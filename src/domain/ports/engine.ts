import type { ApiKey } from '../api-key.ts';
import type { AuditEvent } from '../audit.ts';
import type { Authorization } from '../authorization.ts';
import type { Reach } from '../caller.ts';
import type { Connection } from '../connection.ts';
import type { CredentialMatch, CredentialQuery } from '../credential.ts';
import type { Grant, StatusReason } from '../grant.ts';
import type { GrantBase } from './spool.ts';
import type { StoredTokens } from './stores.ts';

/** The hot path: one statement per fetch. */
export interface CredentialLookup {
  /** Undefined where the organisation has no connection of that name and there is no global one. */
  find(query: CredentialQuery): Promise<CredentialMatch | undefined>;
}

export interface GrantWithConnection {
  grant: Grant;
  connection: Connection;
}

export interface LeasedGrant extends GrantWithConnection {
  /** True where an earlier holder may have sent a refresh whose answer was never stored. */
  interrupted: boolean;
}

export interface RecordedFailure {
  /** Null leaves status and reason as they are. */
  failed: StatusReason | null;
  message: string;
  retryAt: Date | null;
  /** True keeps refresh_started_at: the call may have been answered, and whoever comes next must know. */
  keepIntent: boolean;
}

/**
 * Upkeep of grants by id, across organisations. Every write compares the version it read; a lease only says who is
 * calling the provider. Times of leases are the database's.
 */
export interface RefreshStore {
  find(grantId: string): Promise<GrantWithConnection | undefined>;
  /** Takes the lease and marks the intent in one conditional update; undefined while another holds it, or the grant is gone. */
  acquire(grantId: string, owner: string, leaseMs: number): Promise<LeasedGrant | undefined>;
  /** Gives the lease up without a result; the intent goes back to what it was before acquire. */
  release(leased: LeasedGrant, owner: string): Promise<void>;
  /** New tokens at version + 1, completed, failures forgotten. False where the row moved or is gone; nothing is written then. */
  save(base: GrantBase, owner: string, tokens: StoredTokens, event: AuditEvent): Promise<boolean>;
  /** Marks a failure without touching tokens or version. False where the row moved or is gone. */
  fail(leased: LeasedGrant, owner: string, failure: RecordedFailure, event: AuditEvent): Promise<boolean>;
  /** client_rejected condemns the client, not one grant: every completed grant of the connection fails with it. */
  failAllOf(connectionId: string, reason: StatusReason, message: string): Promise<void>;
}

export interface SweepCursor {
  at: Date;
  id: string;
}

/** What the sweep asks for. */
export interface SweepStore {
  /** Ids of grants due at `now`, earliest first, by keyset. */
  due(query: {
    now: Date;
    intervalMs: number;
    windowMs: number;
    after: SweepCursor | null;
    limit: number;
  }): Promise<{ ids: string[]; next: SweepCursor | null }>;
  /** Start of the last sweep, null before the first. */
  lastStartedAt(): Promise<Date | null>;
  recordStart(at: Date): Promise<void>;
}

export interface TripWithConnection {
  authorization: Authorization;
  connection: Connection;
}

/** Trips by their state, which is itself the proof of who may ask; organisations come out of the row. */
export interface TripStore {
  find(stateHash: string): Promise<TripWithConnection | undefined>;
  /** The latest opener binds, while pending and unexpired. */
  bind(stateHash: string, browserHash: string, now: Date): Promise<TripWithConnection | undefined>;
  /** One conditional update on state and browser together: a foreign browser's hit consumes nothing. */
  consume(stateHash: string, browserHash: string, now: Date): Promise<TripWithConnection | undefined>;
}

export interface ApiKeyStore {
  find(id: string): Promise<ApiKey | undefined>;
  insert(key: ApiKey): Promise<void>;
  /** Those within the reach. */
  list(reach: Reach): Promise<ApiKey[]>;
  /** False where no such live key is within the reach. */
  revoke(id: string, reach: Reach, now: Date): Promise<boolean>;
  /** Best effort, batched by the caller. */
  touch(ids: readonly string[], now: Date): Promise<void>;
  appendAudit(event: AuditEvent): Promise<void>;
}

/** Work handed to the background. */
export interface RefreshQueue {
  /** Each grant at most once in the queue, whoever adds it. */
  enqueue(grantIds: readonly string[], spreadOverMs: number): Promise<void>;
}

/** Wakes whoever waits for another process's refresh. */
export interface GrantSignals {
  /** Resolves when the grant is said to have changed, or after `timeoutMs`: a signal may be lost, the row is what counts. */
  next(grantId: string, timeoutMs: number): Promise<void>;
}
