import type { Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';

/**
 * Binds a session to ADMIN_API_KEY. The session id has 256 random bits and a fixed length, so the proof does not help to
 * guess the key, and its parts cannot be confused.
 */
export function bootstrapProof(tokens: Pick<Tokens, 'sha256Text'>, sessionId: Secret, bootstrapKey: Secret): string {
  return tokens.sha256Text(`${sessionId.reveal()}${bootstrapKey.reveal()}`);
}
