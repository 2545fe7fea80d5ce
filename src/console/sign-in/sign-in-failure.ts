import type { ReceivedClaims } from './received-claims.ts';

/**
 * Reasons for which a sign-in with the identity provider fails.
 * - unavailable: the provider cannot be reached, fails, or sends an answer that cannot be read.
 * - refused: the provider refuses the person or the client. `oauthError` is its code (RFC 6749 §4.1.2.1, §5.2).
 * - state_mismatch: the response belongs to no sign-in of this browser, or was used before.
 * - unverified: a check of the response failed. `check` names the claim or the rule.
 * - no_role: the person is known, and no configured role matches their claims.
 */
export type SignInFailureFacts =
  | { reason: 'unavailable' }
  | { reason: 'refused'; oauthError: string | null; description: string | null }
  | { reason: 'state_mismatch' }
  | { reason: 'unverified'; check: string }
  | { reason: 'no_role'; issuer: string; subject: string; name: string; received: ReceivedClaims };

/** A sign-in that failed. `message` is safe to show and to log. It has no cause: causes of the library hold tokens. */
export class SignInFailure extends Error {
  override readonly name = 'SignInFailure';
  readonly facts: SignInFailureFacts;

  constructor(message: string, facts: SignInFailureFacts) {
    super(message);
    this.facts = facts;
  }
}
