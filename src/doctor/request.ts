/** Response to a request that carries no key, or the reason why none came. Times are of this machine, in milliseconds. */
export type Answer =
  | { isAnswer: true; status: number; headers: Headers; text: string; sentAt: number; receivedAt: number }
  | { isAnswer: false; reason: string };

/** Milliseconds for one request. A service that needs longer does not serve. */
const limitMs = 10_000;

const explained: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection is cut off',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the host does not answer',
  UND_ERR_SOCKET: 'the connection is cut off',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** Sends one GET without a key. Follows no redirect: an address that redirects is not the address of the service. */
export async function request(url: string): Promise<Answer> {
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    return { isAnswer: true, status: response.status, headers: response.headers, text, sentAt, receivedAt: Date.now() };
  } catch (error) {
    return { isAnswer: false, reason: reasonOf(error) };
  }
}

/** Says why a connection failed, from its code: messages of libraries quote addresses with passwords. */
export function reasonOf(error: unknown): string {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    if (current.name === 'TimeoutError') return `there is no answer within ${limitMs / 1000} s`;
    const inner = current instanceof AggregateError ? current.errors[0] : undefined;
    const code = codeOf(inner) ?? codeOf(current);
    if (code !== undefined) return explained[code] ?? `the connection fails (${code})`;
  }
  return 'the connection fails';
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Returns the members of a JSON object. Empty if the text is none. */
export function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
