/**
 * Reads the claims of a JWT without verifying it: TLS protected the response that brought it (OIDC Core §3.1.3.7). They
 * serve for an expiry and for account facts. Returns undefined if the text is no JWT.
 */
export function readJwtClaims(token: unknown): Record<string, unknown> | undefined {
  const parts = typeof token === 'string' ? token.trim().split('.') : [];
  if (parts.length !== 3 || parts[1] === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
