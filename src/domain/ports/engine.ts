import type { ApiKey } from '../api-key.ts';
import type { AuditEvent } from '../audit.ts';
import type { Authorization } from '../authorization.ts';
import type { Reach } from '../caller.ts';
import type { Connection, OrganizationId } from '../connection.ts';
import type { CredentialMatch, CredentialQuery } from '../credential.ts';
import type { Grant, Health, StatusReason } from '../grant.ts';
import type { FailureRun } from '../refresh-policy.ts';
import type { GrantBase } from './spool.ts';
import type { StoredTokens } from './stores.ts';

/** The hot path: one statement per fetch. */
export interface CredentialLookup {
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

export interface SweepCursor {
  at: Date;
  id: string;
}

/**
 * What a sweep takes up, part by part: what expires, urgent ones first; failed grants whose date to be tried again has
 * come; refresh tokens that would die of disuse.
 */
export const sweepParts = ['expiring', 'retrying', 'idle'] as const;
export type SweepPart = (typeof sweepParts)[number];

export interface DueQuery {
  part: SweepPart;
  now: Date;
  intervalMs: number;
  windowMs: number;
  after: SweepCursor | null;
  limit: number;
}

export interface DueGrant {
  id: string;
  /** Expires before the next sweep comes to it. */
  urgent: boolean;
}

/** How the refreshes of a sweep ended. `skipped`: there was nothing left to do, or no sense in asking. */
export const refreshOutcomes = ['refreshed', 'failed', 'skipped'] as const;
export type RefreshOutcome = (typeof refreshOutcomes)[number];
export type SweepTally = Record<RefreshOutcome, number>;

/** One sweep, as far as it has come. Outcomes are counted as refreshes end, which may be long after the sweep itself. */
export interface SweepStatus extends SweepTally {
  id: string;
  startedAt: Date;
  /** Null while it runs, and for ever where it broke off. */
  finishedAt: Date | null;
  isRunning: boolean;
  found: number;
  enqueued: number;
}

export interface SweepProgress {
  found: number;
  enqueued: number;
}

/** Which grants are due, and who sweeps. Times of sweeps are the database's. */
export interface SweepStore {
  /** A page of grants due at `now`, in order of their dates, by keyset. */
  due(query: DueQuery): Promise<{ grants: DueGrant[]; next: SweepCursor | null }>;
  /**
   * Of any number who begin at once, one is answered that it may. `running`: another sweep is at work. `done`: one
   * finished that began less than `pauseMs` ago. A sweep that has not told of itself for a while counts as broken off.
   */
  begin(id: string, pauseMs: number): Promise<'begun' | 'running' | 'done'>;
  /** Tells that the sweep runs, and how far it is. */
  progress(id: string, progress: SweepProgress): Promise<void>;
  finish(id: string, progress: SweepProgress): Promise<void>;
  /** The sweep broke off: another may begin at once. */
  giveUp(id: string): Promise<void>;
  /** Adds to the outcomes of a sweep, finished or not. */
  count(id: string, tally: SweepTally): Promise<void>;
  /** The sweep that began last; null before the first. */
  last(): Promise<SweepStatus | null>;
}

/** A grant as a health check needs it. */
export type CheckableGrant = Pick<
  Grant,
  'id' | 'organizationId' | 'status' | 'statusReason' | 'sealedTokens' | 'facts' | 'version'
>;

export interface HealthRecord {
  grantId: string;
  /** The version that was looked at: what it says of another token set says nothing. */
  version: number;
  health: Health;
  error: string | null;
}

export interface HealthStore {
  /**
   * Grants not checked since `since`, in order of id: completed ones of connections that can be probed, by their own
   * test_url or one of `providers`, and failed ones whose failure is not on record yet.
   */
  unchecked(query: {
    since: Date;
    providers: readonly string[];
    after: string | null;
    limit: number;
  }): Promise<{ grant: CheckableGrant; connection: Connection }[]>;
  record(records: readonly HealthRecord[], at: Date): Promise<void>;
}

/** A refresh token whose death is known. */
export interface ExpiringGrant {
  grantId: string;
  organizationId: OrganizationId;
  connectionId: string;
  connectionName: string;
  refreshExpiresAt: Date;
}

export interface ForecastStore {
  /**
   * Marks up to `limit` grants whose refresh token dies within `withinMs` as warned of, with an event each, in one
   * transaction. A token that each refresh prolongs does not count while refreshing works. Empty: all are warned of.
   */
  warn(
    query: { now: Date; withinMs: number; limit: number },
    eventOf: (expiring: ExpiringGrant) => AuditEvent,
  ): Promise<ExpiringGrant[]>;
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

/** A refresh shortly before a token's expiry. */
export interface RefreshAhead {
  grantId: string;
  /** Of the token set that is to be replaced. */
  version: number;
  delayMs: number;
}

/** Work handed to the background. Everything here throws `service_unavailable` where the queue cannot be reached. */
export interface RefreshQueue {
  /** Each grant at most once in the queue, whoever adds it. `sweepId`: the sweep that found them, and counts how they end. */
  enqueue(
    grantIds: readonly string[],
    spreadOverMs: number,
    order?: { urgent?: boolean; sweepId?: string },
  ): Promise<void>;
  /** Each grant and version at most once, whoever adds it. */
  enqueueAhead(jobs: readonly RefreshAhead[]): Promise<void>;
  /** Jobs that could run now and wait for a worker; those whose time has not come do not count. */
  backlog(): Promise<number>;
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
