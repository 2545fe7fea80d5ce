/**
 * Every way a provider's answer, or its absence, can fail; what each does to a grant is decided in refresh-policy.ts.
 * - reauthorization: RFC 6749 §5.2 invalid_grant and a template's equivalents. The person must come back.
 * - client: invalid_client, unauthorized_client. Every grant of the connection is affected.
 * - configuration: invalid_scope, unsupported_grant_type, invalid_target (RFC 8707 §2).
 * - throttled: 429, slow_down (RFC 8628 §3.5).
 * - transient: 5xx, timeouts, resets, TLS, redirects, 404, HTML, bodies nobody can read. Feeds the breaker.
 * - unknown: another OAuth error code.
 * - refused: our own rules stopped the call before it was sent (an address that may not be reached, a broken URL).
 * throttled and transient are also what a call is refused with that was held back for what earlier ones met.
 */
export type FailureClass =
  | 'reauthorization'
  | 'client'
  | 'configuration'
  | 'throttled'
  | 'transient'
  | 'unknown'
  | 'refused';

export interface ProviderFailureFacts {
  class: FailureClass;
  /** False only where no byte of the request can have reached the provider; such a call may be repeated. */
  sent: boolean;
  /** True where the provider answered and refused: whatever was sent was not spent. */
  answered: boolean;
  /** The provider's own `error` code, already checked to be a short token of RFC 6749 §5.2's characters. */
  oauthError: string | null;
  httpStatus: number | null;
  /** As the provider asked; on a call that was never sent, how long it is held back. */
  retryAfterMs: number | null;
}

/** A failed call to a provider. `message` is written by us and safe to show; provider text never enters it. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly facts: ProviderFailureFacts;

  constructor(message: string, facts: ProviderFailureFacts, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.facts = facts;
  }
}
