/** Stable code of a refusal of the broker. */
export type ProblemCode =
  | 'invalid_request'
  | 'request_timeout'
  | 'client_secret_required'
  | 'dependent_workflows'
  | 'would_disconnect'
  | 'flow_not_interactive'
  | 'not_refreshable'
  | 'min_ttl_unsatisfiable'
  | 'confirmation_refused'
  | 'unauthorized'
  | 'forbidden'
  | 'import_not_allowed'
  | 'workflow_disabled'
  | 'insufficient_scope'
  | 'not_found'
  | 'method_not_allowed'
  | 'connection_not_found'
  | 'grant_not_found'
  | 'connection_exists'
  | 'account_ambiguous'
  | 'data_key_in_use'
  | 'precondition_failed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal_error'
  | 'connection_not_ready'
  | 'provider_unavailable'
  | 'service_unavailable';

/**
 * Failure that the client finds itself.
 * - network_error: the broker cannot be reached, or the connection broke.
 * - timeout: the call took longer than its time limit.
 * - unexpected_response: the response is not one of the broker, for example an error page of a proxy.
 */
export type ClientFailureCode = 'network_error' | 'timeout' | 'unexpected_response';

/** A later version of the broker may add codes. */
export type ErrorCode = ProblemCode | ClientFailureCode | (string & {});
