import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { cleanProviderText } from '../../domain/provider-text.ts';
import { SignInFailure } from './sign-in-failure.ts';

/** Levels of causes that are looked at. The library adds two. */
const maxDepth = 5;
/** Claims whose check the library names in a cause. Anything else there may be text of the provider. */
const checkedClaims = ['iss', 'aud', 'azp', 'nonce', 'exp', 'iat', 'nbf', 'sub', 'auth_time'];

/** Converts an error of the library or of the HTTP client. Secrets of the call are removed from the provider's text. */
export function toSignInFailure(error: unknown, secrets: readonly string[]): SignInFailure {
  if (error instanceof SignInFailure) return error;
  const causes = causesOf(error);
  const network = causes.find((cause) => cause instanceof ProviderFailure);
  if (network !== undefined) return unavailable(network.message.replace('The provider', 'The identity provider'));
  if (error instanceof AuthorizationResponseError) return refused(error.error, error.error_description, secrets);
  const status = statusOf(error, causes);
  if (status !== null && (status >= 500 || status === 429)) return unavailable(answered(status));
  if (error instanceof ResponseBodyError) return refused(error.error, error.error_description, secrets);
  if (status === 401 || status === 403) return refused(null, undefined, secrets);
  if (status !== null) return unavailable(answered(status));
  return unverified(checkOf(error, causes));
}

export function unverified(check: string): SignInFailure {
  const message = `The response of the identity provider failed a check (${check}).`;
  return new SignInFailure(message, { reason: 'unverified', check });
}

export function stateMismatch(): SignInFailure {
  const message = 'The response of the identity provider belongs to no sign-in of this browser, or was used before.';
  return new SignInFailure(message, { reason: 'state_mismatch' });
}

function unavailable(message: string): SignInFailure {
  return new SignInFailure(message, { reason: 'unavailable' });
}

function answered(status: number): string {
  return `The identity provider answered with status ${status}.`;
}

function refused(code: string | null, description: string | undefined, secrets: readonly string[]): SignInFailure {
  // RFC 6749 §5.2: characters of an error code.
  const oauthError = code !== null && /^[\w.-]{1,60}$/.test(code) ? code : null;
  const message = `The identity provider refused the sign-in${oauthError === null ? '' : ` (${oauthError})`}.`;
  return new SignInFailure(message, {
    reason: 'refused',
    oauthError,
    description: cleanProviderText(description?.slice(0, 1000) ?? null, secrets),
  });
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let each = error; each instanceof Error && causes.length < maxDepth; each = each.cause)
    causes.push(each, each.cause);
  return causes;
}

function statusOf(error: unknown, causes: readonly unknown[]): number | null {
  if (error instanceof ResponseBodyError) return error.status;
  const response = causes.find((cause): cause is Response => cause instanceof Response && !cause.ok);
  return response?.status ?? null;
}

function checkOf(error: unknown, causes: readonly unknown[]): string {
  const claim = causes.map((cause) => (isObject(cause) ? cause.claim : undefined));
  const known = checkedClaims.find((name) => claim.includes(name));
  if (known !== undefined) return known;
  const code = error instanceof ClientError ? (error.code ?? '') : '';
  return /^OAUTH_[A-Z_]{1,60}$/.test(code) ? code.slice('OAUTH_'.length).toLowerCase() : 'invalid_response';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
