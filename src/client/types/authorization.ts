import type { NextAction, StatusReason, Warning } from './vocabulary.ts';

/** Account that the provider must name. Needs at least one member. */
export interface ExpectedAccount {
  id?: string | null | undefined;
  email?: string | null | undefined;
  /** Domain of the email address, without subdomains. */
  domain?: string | null | undefined;
}

export interface AuthorizationStart {
  subject?: string | null | undefined;
  account_id?: string | null | undefined;
  allow_account_change?: boolean | null | undefined;
  /** Name of the subject for the page before the provider. */
  subject_label?: string | null | undefined;
  expected_account?: ExpectedAccount | null | undefined;
  /** S256 challenge of a verifier that the starting session keeps. Needs return_url. */
  binding_challenge?: string | null | undefined;
  /** Scopes to request in addition to those of the connection. */
  scopes?: string[] | string | null | undefined;
  return_url?: string | null | undefined;
  /** Handed back on return_url as client_state. */
  client_state?: string | null | undefined;
  /** Seconds for which the link can be used: 60 to 604800. */
  expires_in?: number | null | undefined;
  login_hint?: string | null | undefined;
  prompt?: string | null | undefined;
}

export interface StartedAuthorization {
  /** Link to open in the person's browser. */
  authorization_url: string;
  /** Identifies the authorization in waitFor. */
  state: string;
  expires_at: string;
}

export interface AuthorizationProgress {
  /** awaiting_confirmation: the person has finished, and confirming makes the grant. */
  status: 'pending' | 'awaiting_confirmation' | 'completed' | 'failed' | 'expired';
  status_reason: StatusReason | null;
  next_action: NextAction;
  error: string | null;
  error_description: string | null;
  connection_name: string;
  subject: string | null;
  account_id: string | null;
  account_name: string | null;
  warnings: Warning[];
}

export interface Confirmation {
  binding_verifier: string;
  confirmation_code: string;
}

export interface Cancellation {
  subject?: string | null | undefined;
}

export interface Cancelled {
  message: string;
  cancelled: number;
}
