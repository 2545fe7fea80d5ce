import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { AuditAction, AuditEvent } from '../domain/audit.ts';
import type { AuthorizationStatus } from '../domain/authorization.ts';
import type { Permission } from '../domain/caller.ts';
import type { Flow, TokenAuthMethod } from '../domain/connection.ts';
import type { Health, StatusReason, StoredGrantStatus } from '../domain/grant.ts';
import type { DataKeyState } from '../domain/ports/keys.ts';

/** Read as Buffer, written as any run of bytes. */
type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>;
type NullableBytes = ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>;
/** Written as JSON text: pg would turn a bare array into a Postgres array. */
type Json<T extends object> = JSONColumnType<T>;

export interface ConnectionsTable {
  id: string;
  organization_id: string | null;
  name: string;
  provider: string;
  flow: Flow;
  client_id: string;
  sealed_client_secrets: NullableBytes;
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
  description: string | null;
  config_version: number;
  revision: number;
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
  /** account_id where the connection is multi_account, else null: the part of the slot that unique constraint compares. */
  slot_account_id: string | null;
  status: StoredGrantStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  sealed_tokens: NullableBytes;
  expires_at: Date | null;
  refresh_expires_at: Date | null;
  obtained_at: Date | null;
  lifetime_seconds: number | null;
  refreshable: Generated<boolean>;
  scopes: Generated<string[]>;
  requested_scopes: Generated<string[]>;
  /** When a refresh token that dies of disuse must have been used again. */
  keep_alive_at: Date | null;
  /** Whether a refresh moves refresh_expires_at on; null until one has shown it. */
  refresh_rolls: boolean | null;
  /** The refresh_expires_at that was last warned of. */
  warned_refresh_expires_at: Date | null;
  version: Generated<number>;
  lease_owner: string | null;
  lease_until: Date | null;
  refresh_started_at: Date | null;
  consecutive_failures: Generated<number>;
  failing_since: Date | null;
  retry_at: Date | null;
  last_refresh_at: Date | null;
  last_test_at: Date | null;
  health: Health | null;
  health_error: string | null;
  last_health_check_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  revoked_reason: string | null;
  /** When callers last had it refreshed on demand, newest last; as many as the limit counts. */
  forced_refreshes_at: Generated<Date[]>;
  created_at: Date;
  updated_at: Date;
}

export interface AuthorizationsTable {
  state_hash: string;
  connection_id: string;
  config_version: number;
  organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  allow_account_change: boolean;
  scopes: string[];
  login_hint: string | null;
  prompt: string | null;
  return_url: string | null;
  redirect_uri: string;
  sealed_verifier: NullableBytes;
  browser_hash: string | null;
  status: AuthorizationStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  connected_account_id: string | null;
  created_by: string;
  created_at: Date;
  expires_at: Date;
}

export interface ApiKeysTable {
  id: string;
  name: string;
  secret_hash: Bytes;
  permissions: Permission[];
  organizations: string[] | null;
  global: boolean;
  connections: string[] | null;
  created_by: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

export interface DataKeysTable {
  id: string;
  key_encryption_key_id: string;
  wrapped: Bytes;
  state: DataKeyState;
  canary: Bytes;
  created_at: Date;
}

export interface AuditEventsTable {
  id: Generated<string>;
  time: Date;
  actor: string;
  action: AuditAction;
  organization_id: string | null;
  connection_id: string | null;
  connection_name: string | null;
  grant_id: string | null;
  outcome: AuditEvent['outcome'];
  details: Json<AuditEvent['details']>;
  request_id: string | null;
  address: string | null;
}

export interface SweepsTable {
  id: string;
  started_at: Generated<Date>;
  /** When it last told that it runs; null once it was given up. */
  seen_at: Generated<Date | null>;
  finished_at: Date | null;
  found: Generated<number>;
  enqueued: Generated<number>;
  refreshed: Generated<number>;
  failed: Generated<number>;
  skipped: Generated<number>;
}

export interface SettingsTable {
  name: string;
  value: ColumnType<unknown, string>;
  updated_at: Date;
}

export interface Tables {
  connections: ConnectionsTable;
  grants: GrantsTable;
  authorizations: AuthorizationsTable;
  api_keys: ApiKeysTable;
  data_keys: DataKeysTable;
  audit_events: AuditEventsTable;
  settings: SettingsTable;
  sweeps: SweepsTable;
}
