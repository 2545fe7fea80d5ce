import type { GrantStatus, NextAction, StatusReason } from './vocabulary.ts';

/** A valid access token with its metadata. */
export interface Credential {
  connection_name: string;
  /** Organisation that owns the connection; null for a global connection. */
  organization_id: string | null;
  /** Organisation that owns the grant; null for a shared grant. */
  grant_organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  access_token: string;
  token_type: string;
  /** ISO 8601 time; null if the provider did not state it. */
  expires_at: string | null;
  scopes: string[];
  status: GrantStatus;
  /** Reason why the token, still valid, can no longer be refreshed; null if it can. */
  status_reason: StatusReason | null;
  next_action: NextAction;
  /** Further values of the token response that the provider's API needs, such as instance_url. */
  extra: Record<string, unknown>;
}

export interface RenewedCredential extends Credential {
  /** Whether this token replaces the reported one. False if the report was about an older token. */
  renewed: boolean;
}

/** Steps of a fetch and what it would answer. Never contains a token. */
export interface Explanation {
  steps: {
    step: 'permission' | 'workflow' | 'name_pattern' | 'connection' | 'grant' | 'scopes' | 'token' | 'refresh';
    outcome: 'passed' | 'refused' | 'insufficient' | 'refresh';
    /** Text for a person. Its wording may change. */
    detail: string;
  }[];
  answer: { status: number; code: string | null; next_action: NextAction };
}
