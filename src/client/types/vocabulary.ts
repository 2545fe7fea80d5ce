/** OAuth flow of a connection. `refresh_token`: tokens are imported, never obtained through a browser. */
export type Flow = 'authorization_code' | 'client_credentials' | 'refresh_token';

export type TokenAuthMethod =
  | 'client_secret_basic'
  | 'client_secret_basic_raw'
  | 'client_secret_post'
  | 'none'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth';

export type GrantStatus = 'not_connected' | 'waiting_callback' | 'testing' | 'completed' | 'failed';

export type StatusReason =
  | 'user_denied'
  | 'exchange_failed'
  | 'test_failed'
  | 'reauthorization_required'
  | 'client_rejected'
  | 'configuration_rejected'
  | 'provider_rejected'
  | 'configuration_changed'
  | 'revoked'
  | 'account_mismatch'
  | 'authorization_expired'
  | 'authorization_cancelled'
  | 'rotation_interrupted'
  | 'token_expired';

/** Who must act: a person (authorize), an administrator (reconfigure), the broker or time (wait), or none. */
export type NextAction = 'authorize' | 'reconfigure' | 'wait' | 'none';

export type Health = 'healthy' | 'unhealthy';

/** Condition that may end or limit a grant that works now. */
export interface Warning {
  code:
    | 'no_refresh_token'
    | 'short_lived'
    | 'unknown_expiry'
    | 'scopes_narrowed'
    | 'client_secret_refused'
    | 'client_refused'
    | 'refresh_token_expires'
    | 'sibling_failed'
    | 'never_refreshed'
    | 'account_unverified'
    | 'probe_failed';
  message: string;
}

/** Last failed refresh, or the failed token request of an authorization. */
export interface LastError {
  class: 'reauthorization' | 'client' | 'configuration' | 'throttled' | 'transient' | 'unknown' | 'refused';
  /** Error code of the provider. */
  error: string | null;
  error_description: string | null;
  http_status: number | null;
  at: string;
  /** Consecutive failures of this kind. */
  attempts: number;
}
