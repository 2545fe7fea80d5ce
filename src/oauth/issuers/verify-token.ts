import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { TrustedIssuer, VerifiedClaims } from '../../domain/callers/trusted-issuer.ts';
import { isBrokerError } from '../../domain/errors.ts';
import type { TokenRefusal } from '../../domain/ports/workload-tokens.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { isAcceptedHeader, type UnverifiedToken } from './read-token.ts';

/** Seconds by which clocks may differ, for `exp`, `nbf` and `iat`. */
export const leewaySeconds = 30;
/** Unix time of the end of the year 9999, the last instant that the API can write. */
const latestSeconds = 253_402_300_799;
/** OpenID Connect Core §2: `sub` has at most 255 characters. It is shown in logs and the audit trail: no invisible ones. */
const subjectForm = /^[^\p{C}]{1,255}$/u;

export type TokenCheck = { verified: VerifiedClaims; version: number } | { refusal: TokenRefusal };

/** Checks signature and claims of a token of this issuer (RFC 8725). Throws service_unavailable without usable keys. */
export async function verifyToken(
  text: string,
  { header }: UnverifiedToken,
  { issuer, audiences, algorithms }: TrustedIssuer,
  { keys, now }: { keys: IssuerKeys; now: Date },
): Promise<TokenCheck> {
  if (!isAcceptedHeader(header)) return { refusal: 'malformed' };
  // Before any key is looked up: `none` and the symmetric algorithms are in no list.
  if (!algorithms.some((one) => one === header.alg)) return { refusal: 'algorithm' };
  let version = 0;
  try {
    const { payload } = await jwtVerify(
      text,
      async (found) => {
        const key = await keys.find({ ...found, alg: found.alg });
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        ({ version } = key);
        return key.key;
      },
      {
        issuer,
        audience: [...audiences],
        algorithms: [...algorithms],
        currentDate: now,
        clockTolerance: leewaySeconds,
        requiredClaims: ['sub', 'exp'],
      },
    );
    const verified = readClaims(payload, issuer, now);
    return 'refusal' in verified ? verified : { verified, version };
  } catch (error) {
    if (isBrokerError(error)) throw error;
    return { refusal: refusalOf(error) };
  }
}

function readClaims(payload: JWTPayload, issuer: string, now: Date): VerifiedClaims | { refusal: TokenRefusal } {
  const { sub, exp, iat } = payload as Record<string, unknown>;
  if (typeof sub !== 'string' || !subjectForm.test(sub)) return { refusal: 'malformed' };
  if (typeof exp !== 'number' || exp > latestSeconds) return { refusal: 'malformed' };
  if (typeof iat === 'number' && iat > now.getTime() / 1000 + leewaySeconds) return { refusal: 'not_yet_valid' };
  return { issuer, subject: sub, claims: payload, expiresAt: new Date(exp * 1000) };
}

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'audience';
    return error.claim === 'nbf' && error.reason === 'check_failed' ? 'not_yet_valid' : 'malformed';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
  // Several keys without a key id, a key that is too short, or one that cannot be imported.
  return 'unknown_key';
}
