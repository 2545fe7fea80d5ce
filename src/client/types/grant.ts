import type { GrantStatus, Health, LastError, NextAction, StatusReason, Warning } from './vocabulary.ts';

/** Selects the grant of a subject and account. Absent and null mean none. */
export interface GrantSelector {
  subject?: string | null | undefined;
  account_id?: string | null | undefined;
}

export interface Grant {
  grant_id: string;
  subject: string | null;
  account_id: string | null;
  account_name: string | null;
  account_verified: boolean;
  status: GrantStatus;
  status_reason: StatusReason | null;
  next_action: NextAction;
  /** Whether the grant can outlive its access token. */
  refreshable: boolean;
  warnings: Warning[];
  last_error: LastError | null;
  scopes: string[];
  expires_at: string | null;
  refresh_expires_at: string | null;
  last_refresh_at: string | null;
  next_refresh_at: string | null;
  health: Health | null;
}

export interface GrantList {
  grants: Grant[];
  /** Cursor of the next page; null on the last page. */
  next_cursor: string | null;
}

export interface GrantListQuery {
  status?: GrantStatus | undefined;
  subject?: string | undefined;
  /** Text in the subject, the account id or the account name. */
  q?: string | undefined;
  /** Grants on a page: 1 to 200, by default 50. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Tokens that were obtained elsewhere: single fields, or the provider's raw token response. */
export interface ImportedTokens extends GrantSelector {
  token_response?: string | Record<string, unknown> | null | undefined;
  received_at?: string | null | undefined;
  access_token?: string | null | undefined;
  refresh_token?: string | null | undefined;
  token_type?: string | null | undefined;
  expires_at?: string | null | undefined;
  /** Seconds from now. */
  expires_in?: number | null | undefined;
  scopes?: string[] | string | null | undefined;
  scope?: string[] | string | null | undefined;
  extra?: Record<string, unknown> | null | undefined;
  /** Refreshes or tests the grant at once. */
  verify?: boolean | undefined;
}

/** Without subject and account_id, the grants that have no subject. */
export interface GrantRevocation extends GrantSelector {
  reason?: string | null | undefined;
}

export interface RevokedGrants {
  revoked: { grant_id: string; subject: string | null; account_id: string | null; revoked_at_provider: boolean }[];
}

export interface TestReport {
  test_result: 'success' | 'failed' | 'skipped';
  message: string;
  tested_at: string;
  response_time_ms: number;
}
