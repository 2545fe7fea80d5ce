import type { Generated } from 'kysely';
import type { Flow, TokenAuthMethod } from '../domain/connections/connection.ts';
import type { Health, LastError, StatusReason, StoredGrantStatus } from '../domain/grants/grant.ts';
import type { AuditEventsTable, ConsentsTable } from './audit-table.ts';
import type { AuthorizationsTable, DeletedAuthorizationsTable } from './authorizations-table.ts';
import type {
  ClientRefusalsTable,
  HealthCountChangesTable,
  HealthCountsTable,
  HealthRunLanesTable,
  HealthRunsTable,
  PendingRevocationsTable,
  SettingsTable,
  SweepGrantsTable,
  SweepsTable,
  WorkersTable,
} from './background-tables.ts';
import type { Json, NullableBytes, NullableJson } from './column-types.ts';
import type { FleetCountChangesTable, FleetCountsTable, FleetGrantsTable } from './fleet-tables.ts';
import type {
  ApiKeysTable,
  ConsoleSessionsTable,
  DataKeysTable,
  KeyBackupsTable,
  KeyHoldersTable,
  KeyRotationsTable,
} from './key-tables.ts';
import type { StoredSiblings } from './stored-siblings.ts';
import type { WorkflowDependenciesTable, WorkflowStatesTable } from './workflow-tables.ts';

export interface ConnectionsTable {
  id: string;
  organization_id: string | null;
  name: string;
  provider: string;
  flow: Flow;
  client_id: string;
  sealed_client_secrets: NullableBytes;
  client_secret_fingerprint: NullableBytes;
  /** Set while the provider accepts the older of two client secrets only. */
  client_secret_refused_at: Date | null;
  /** Origins of test_url and revocation_url when the client secret was written. */
  secret_test_origin: string | null;
  secret_revocation_origin: string | null;
  authorization_url: string | null;
  token_url: string | null;
  revocation_url: string | null;
  test_url: string | null;
  token_auth_method: TokenAuthMethod | null;
  variables: Json<Record<string, string>>;
  scopes: string[];
  authorize_params: Json<Record<string, string>>;
  token_params: Json<Record<string, string>>;
  multi_account: boolean;
  share_with_organizations: boolean;
  allow_import: boolean;
  pkce: boolean | null;
  terminal_errors: string[];
  error_path: string | null;
  description: string | null;
  managed_by: string | null;
  config_version: number;
  revision: number;
  applied_revision: number | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export interface GrantsTable {
  id: string;
  connection_id: string;
  organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  account_name: string | null;
  account_verified: Generated<boolean>;
  /** Equals account_id if the connection is multi_account, else null. Part of the unique constraint grants_slot. */
  slot_account_id: string | null;
  status: StoredGrantStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  sealed_tokens: NullableBytes;
  expires_at: Date | null;
  refresh_expires_at: Date | null;
  obtained_at: Date | null;
  lifetime_seconds: number | null;
  /** Grows with every stored token set. */
  longest_lifetime_seconds: number | null;
  refreshable: Generated<boolean>;
  scopes: Generated<string[]>;
  requested_scopes: Generated<string[]>;
  /** Origins of the connection's test_url and revocation_url when the grant was authorized or imported. */
  test_origin: string | null;
  revocation_origin: string | null;
  /** Time before which the refresh token must be used again; later it expires from disuse. */
  keep_alive_at: Date | null;
  /** True if a refresh extends refresh_expires_at. Null until the first refresh shows it. */
  refresh_rolls: boolean | null;
  /** The value of refresh_expires_at that the last expiry warning was about. */
  warned_refresh_expires_at: Date | null;
  /** Second token sets by name, without their secrets. */
  siblings: NullableJson<StoredSiblings>;
  /** Earliest expiry of a second token set that can be refreshed, and the date before which none may be. */
  sibling_expires_at: Date | null;
  sibling_retry_at: Date | null;
  version: Generated<number>;
  /** Version whose access token was reported as rejected by the provider's API. */
  reported_version: number | null;
  lease_owner: string | null;
  lease_until: Date | null;
  refresh_started_at: Date | null;
  consecutive_failures: Generated<number>;
  failing_since: Date | null;
  /** The last failed refresh. Null after a success. */
  last_error: NullableJson<StoredLastError>;
  retry_at: Date | null;
  last_refresh_at: Date | null;
  last_test_at: Date | null;
  health: Health | null;
  health_error: string | null;
  last_health_check_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  revoked_reason: string | null;
  /** Times of the latest refreshes on demand, newest last. Holds no more than the limit counts. */
  forced_refreshes_at: Generated<Date[]>;
  created_at: Date;
  updated_at: Date;
}

/** A grant's last error as JSON: its date is text. */
export type StoredLastError = Omit<LastError, 'at'> & { at: string };

export interface Tables {
  connections: ConnectionsTable;
  grants: GrantsTable;
  authorizations: AuthorizationsTable;
  deleted_authorizations: DeletedAuthorizationsTable;
  api_keys: ApiKeysTable;
  client_refusals: ClientRefusalsTable;
  console_sessions: ConsoleSessionsTable;
  data_keys: DataKeysTable;
  key_backups: KeyBackupsTable;
  key_holders: KeyHoldersTable;
  key_rotations: KeyRotationsTable;
  audit_events: AuditEventsTable;
  consents: ConsentsTable;
  fleet_grants: FleetGrantsTable;
  fleet_counts: FleetCountsTable;
  fleet_count_changes: FleetCountChangesTable;
  health_counts: HealthCountsTable;
  health_count_changes: HealthCountChangesTable;
  health_runs: HealthRunsTable;
  health_run_lanes: HealthRunLanesTable;
  pending_revocations: PendingRevocationsTable;
  settings: SettingsTable;
  sweeps: SweepsTable;
  workers: WorkersTable;
  sweep_grants: SweepGrantsTable;
  workflow_dependencies: WorkflowDependenciesTable;
  workflow_states: WorkflowStatesTable;
}

/** Names of all tables at run time. */
export const tableNames: readonly string[] = Object.keys({
  connections: true,
  grants: true,
  authorizations: true,
  deleted_authorizations: true,
  api_keys: true,
  client_refusals: true,
  console_sessions: true,
  data_keys: true,
  key_backups: true,
  key_holders: true,
  key_rotations: true,
  audit_events: true,
  consents: true,
  fleet_grants: true,
  fleet_counts: true,
  fleet_count_changes: true,
  health_counts: true,
  health_count_changes: true,
  health_runs: true,
  health_run_lanes: true,
  pending_revocations: true,
  settings: true,
  sweeps: true,
  workers: true,
  sweep_grants: true,
  workflow_dependencies: true,
  workflow_states: true,
} satisfies Record<keyof Tables, true>);

/** Qualifies column names with their table, for statements that join several tables. */
export function columnsOf<T extends string, C extends string>(table: T, columns: readonly C[]): `${T}.${C}`[] {
  return columns.map((column) => `${table}.${column}` as const);
}
