import type { Caller } from '../callers/caller.ts';
import type { Secret } from '../secret.ts';

/** Recognises the callers behind tokens of trusted issuers. */
export interface WorkloadTokens {
  /** Returns the caller of a token that was verified before and is still valid. Costs no signature check and no call. */
  recall(bearer: Secret): Caller | undefined;
  /**
   * Verifies a token. Returns undefined if it is refused, or is no token. Throws service_unavailable while the keys of
   * its issuer cannot be read.
   */
  verify(bearer: Secret): Promise<Caller | undefined>;
}

/**
 * Reasons for refusing a token that names a trusted issuer.
 * - malformed: the header or the claims break RFC 7515 or RFC 7519, or have members that are not taken here.
 * - algorithm: not in the issuer's list.
 * - unknown_key: the issuer publishes no such key, or none that can be used.
 * - signature: the signature is not the issuer's.
 * - audience, expired, not_yet_valid: the claims `aud`, `exp`, `nbf` and `iat`.
 * - no_rule: the token is valid, and no rule of the issuer matches its claims.
 */
export type TokenRefusal =
  | 'malformed'
  | 'algorithm'
  | 'unknown_key'
  | 'signature'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'no_rule';

export type OnTokenRefused = (refused: {
  issuer: string;
  reason: TokenRefusal;
  /** Null unless the signature was verified: otherwise anyone could have written it. */
  subject: string | null;
}) => void;
