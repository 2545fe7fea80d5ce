import type { ColumnType } from 'kysely';
import type { AuthorizationStatus } from '../domain/authorization.ts';
import type { ConnectedDetails, FailedDetails, FailedExchange } from '../domain/authorization-outcome.ts';
import type { ExpectedAccount } from '../domain/expected-account.ts';
import type { StatusReason } from '../domain/grants/grant.ts';

export interface AuthorizationsTable {
  state_hash: string;
  connection_id: string;
  config_version: number;
  organization_id: string | null;
  subject: string | null;
  subject_label: string | null;
  account_id: string | null;
  allow_account_change: boolean;
  /** jsonb: written as JSON text. */
  expected_account: ColumnType<ExpectedAccount | null, string | null, string | null>;
  authorization_id: string | null;
  binding_challenge: string | null;
  sealed_waiting: ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>;
  confirmation_code_hash: string | null;
  confirm_until: Date | null;
  scopes: string[];
  login_hint: string | null;
  prompt: string | null;
  return_url: string | null;
  client_state: string | null;
  redirect_uri: string;
  sealed_verifier: ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>;
  browser_hash: string | null;
  callback_hash: string | null;
  status: AuthorizationStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  error: string | null;
  error_description: string | null;
  connected_account_id: string | null;
  connected_account_name: string | null;
  /** jsonb: written as JSON text. */
  outcome_details: ColumnType<StoredOutcomeDetails | null, string | null, string | null>;
  created_by: string;
  created_at: Date;
  expires_at: Date;
}

/** Authorizations that were open in a browser when their connection was deleted. */
export interface DeletedAuthorizationsTable {
  state_hash: string;
  connection_name: string;
  /** Organisation that owned the connection; null if it was global. */
  connection_owner: string | null;
  browser_hash: string;
  return_url: string | null;
  client_state: string | null;
  expires_at: Date;
}

/** Outcome details as jsonb holds them: dates are ISO 8601 text. */
export type StoredOutcomeDetails =
  | (Omit<ConnectedDetails, 'expiresAt' | 'refreshExpiresAt'> & {
      expiresAt: string | null;
      refreshExpiresAt: string | null;
    })
  // `exchange` is absent in rows of earlier releases.
  | (Omit<FailedDetails, 'exchange'> & { exchange?: (Omit<FailedExchange, 'at'> & { at: string }) | null });
