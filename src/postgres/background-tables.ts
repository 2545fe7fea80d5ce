import type { ColumnType, Generated } from 'kysely';
import type { ConnectionSettings } from '../domain/connections/connection.ts';
import type { Health } from '../domain/grants/grant.ts';
import type { Bytes, Json, NullableBytes } from './column-types.ts';

// Tables of background work: what the sweep and the refresh engine remember beside grants and connections.

export interface SweepsTable {
  id: string;
  started_at: Generated<Date>;
  /** Time of the latest sign of progress. Null if the sweep was given up. */
  seen_at: Generated<Date | null>;
  finished_at: Date | null;
  found: Generated<number>;
  enqueued: Generated<number>;
  refreshed: Generated<number>;
  failed: Generated<number>;
  skipped: Generated<number>;
}

/** Due grants that a sweep has found and not yet dealt out. */
export interface SweepGrantsTable {
  sweep_id: string;
  urgent: boolean;
  connection_id: string;
  organization_id: string | null;
  /** Order in which the sweep found the grants. bigint, selected as text. */
  position: Generated<string>;
  grant_id: string;
}

/** Checks of all grants on demand. At most one is unfinished. */
export interface HealthRunsTable {
  id: string;
  requested_at: Generated<Date>;
  started_at: Date | null;
  /** Time of the latest sign of progress. Null while no process has claimed the run. */
  seen_at: Date | null;
  finished_at: Date | null;
  claimed_by: string | null;
  lanes_listed: Generated<boolean>;
  total: number | null;
  healthy: Generated<number>;
  unhealthy: Generated<number>;
  skipped: Generated<number>;
}

/** Grants of one owner and connection that a run has not checked yet. */
export interface HealthRunLanesTable {
  run_id: string;
  connection_id: string;
  /** Organisation that owns the grants; empty for shared grants. */
  owner: string;
  /** Number of turns so far. */
  turn: Generated<number>;
  /** Place of the last checked grant, in order of creation. */
  after_at: Date | null;
  after_id: string | null;
}

/** Number of grants by owner and health, empty for unchecked. The owner `*` stands for all organisations together. */
export interface HealthCountsTable {
  owner: string;
  health: Health | '';
  /** bigint, selected as text. */
  grants: string;
}

/** Changes that are not yet added to health_counts. */
export interface HealthCountChangesTable extends HealthCountsTable {
  /** bigint, selected as text. */
  id: Generated<string>;
}

/** Heartbeats of processes that run jobs. */
export interface WorkersTable {
  id: string;
  started_at: Generated<Date>;
  seen_at: Generated<Date>;
}

/** Refusals of a connection's client since its last success. Most connections have no row. */
export interface ClientRefusalsTable {
  connection_id: string;
  refusals: number;
  /** Grants that saw them. */
  grant_ids: string[];
  /** Number of pauses so far. Each one is twice as long as the one before. */
  pauses: Generated<number>;
  /** End of the pause of background refreshes. */
  paused_until: Date | null;
  /** Time until which one background refresh after a pause tests the client. The others wait. */
  probe_until: Date | null;
}

/** Outbox of revocations at providers. A row outlives its grant and its connection. */
export interface PendingRevocationsTable {
  /** bigint, selected as text. */
  id: Generated<string>;
  grant_id: string;
  organization_id: string | null;
  subject: string | null;
  sealed_tokens: Bytes;
  test_origin: string | null;
  revocation_origin: string | null;
  connection_id: string;
  /** Organisation that owns the connection. */
  connection_owner: string | null;
  connection_name: string;
  settings: Json<ConnectionSettings>;
  config_version: number;
  sealed_client_secrets: NullableBytes;
  client_secret_refused_at: Date | null;
  secret_test_origin: string | null;
  secret_revocation_origin: string | null;
  attempts: Generated<number>;
  /** Time of the next attempt. During an attempt: the end of its claim. */
  next_try_at: Date;
  last_error: string | null;
  created_at: Date;
}

export interface SettingsTable {
  name: string;
  value: ColumnType<unknown, string>;
  updated_at: Date;
}
