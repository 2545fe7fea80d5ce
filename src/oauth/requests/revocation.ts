import * as oauth from 'oauth4webapi';
import type { ProviderTemplate, TokenKind } from '../../domain/connections/template.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { OAuthClient } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { valueAt } from '../providers/value-path.ts';
import { refusalFailure } from '../responses/classification.ts';
import { parseResponseBody, type ResponseMembers } from '../responses/parse-response-body.ts';
import { callProtocol } from './protocol-call.ts';
import { withRetries } from './retry.ts';
import type { TokenDependencies } from './send-token-request.ts';

/** Error codes for a token that is already invalid. RFC 7009 §2.2 requires status 200 instead. Words count as a code. */
const invalidTokenErrors = /^(invalid[ _]token|token[ _]revoked|invalid[ _]grant)$/i;

type Revocation = NonNullable<ProviderTemplate['revocation']>;

/** Revocation at a connection's own URL, which no template describes. */
const standardRevocation: Omit<Revocation, 'url'> = {
  style: 'rfc7009',
  method: 'POST',
  tokens: ['refresh_token', 'access_token'],
};

/**
 * Revokes the refresh token, then the access token: a valid refresh token could still obtain new access tokens.
 * Returns true if the provider confirmed, false if it has no revocation endpoint for these tokens.
 */
export async function revokeTokens(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  tokens: TokenSet,
): Promise<boolean> {
  const { settings, template, revocationUrl } = provider;
  if (revocationUrl === null) return false;
  const described = settings.revocationUrl === null ? template.revocation : null;
  const revocation = { ...(described ?? standardRevocation), url: revocationUrl };
  const { style } = revocation;
  if (style === 'bearer') {
    await revokeWithoutClient(deps, provider, revocation, tokens.accessToken);
    return true;
  }
  const revoke = (token: Secret, kind: TokenKind) =>
    style === 'path' || style === 'query'
      ? revokeWithoutClient(deps, provider, revocation, token)
      : revokeAsClient(deps, provider, client, style, token, kind);

  const refreshToken = revocation.tokens.includes('refresh_token') ? tokens.refreshToken : null;
  if (refreshToken !== null) await revoke(refreshToken, 'refresh_token');
  if (!revocation.tokens.includes('access_token')) return refreshToken !== null;
  try {
    await revoke(tokens.accessToken, 'access_token');
  } catch (error) {
    // RFC 7009 §2.1: revocation of access tokens is optional. The refresh token is revoked; the access token expires.
    const unsupported = error instanceof ProviderFailure && error.facts.oauthError === 'unsupported_token_type';
    if (!unsupported || refreshToken === null) throw error;
  }
  return true;
}

async function revokeAsClient(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  style: 'rfc7009' | 'json',
  token: Secret,
  kind: TokenKind,
): Promise<void> {
  const json = style === 'json';
  await callProtocol(deps, {
    provider,
    client,
    retry: 'any',
    templateParameters: {},
    requestBody: json ? 'json' : 'form',
    read: (response) => {
      checkRevoked(response, provider, { secrets: [token, ...client.secrets], now: deps.now() });
      return { result: null, canonical: null };
    },
    run: async ({ as, client: registered, authentication, options }) =>
      oauth.processRevocationResponse(
        await oauth.revocationRequest(as, registered, authentication, token.reveal(), {
          ...options,
          ...(!json && { additionalParameters: { token_type_hint: kind } }),
        }),
      ),
  });
}

/** Sends only the token, without client authentication. */
async function revokeWithoutClient(
  { http, timing, now }: TokenDependencies,
  provider: Provider,
  { url, style, method }: Revocation,
  token: Secret,
): Promise<void> {
  const deadline = performance.now() + timing.callCapMs;
  const request = {
    method,
    url: style === 'bearer' ? url : withToken(url, style, token),
    headers: {
      ...provider.template.requestHeaders,
      ...(style === 'bearer' && { authorization: `Bearer ${token.reveal()}` }),
    },
    body: null,
  };
  await withRetries('any', timing, deadline, async () => {
    checkRevoked(await http.send(request, deadline), provider, { secrets: [token], now: now() });
  });
}

/** Puts the token into the URL, for providers that accept it nowhere else. */
function withToken(url: string, style: Revocation['style'], token: Secret): string {
  const result = new URL(url);
  if (style === 'query') result.searchParams.set('token', token.reveal());
  else result.pathname = `${result.pathname.replace(/\/$/, '')}/${encodeURIComponent(token.reveal())}`;
  return result.href;
}

function checkRevoked(
  response: OutboundResponse,
  { template }: Provider,
  context: { secrets: readonly (Secret | null)[]; now: Date },
): void {
  const { status, retryAfter } = response;
  const body = parseResponseBody(response.body);
  const error = body === null ? null : valueAt(body, template.response.error ?? 'error');
  const hasError = error !== null && error !== undefined && error !== false && error !== '';
  const isGranted = status >= 200 && status < 300;
  const isConfirmed = isGranted && body?.ok !== false && !hasError && !failsSuccessTest(body, template);
  const saysInvalid = typeof error === 'string' && invalidTokenErrors.test(error);
  const isAlreadyInvalid = saysInvalid && (isGranted || status === 400 || status === 401 || body?.ok === false);
  if (!isConfirmed && !isAlreadyInvalid) {
    throw refusalFailure({ status, retryAfter, body: response.body }, { template, isRefresh: false, ...context });
  }
}

/** Checks whether the body has the member of the template's success test, with another value than success has. */
function failsSuccessTest(body: ResponseMembers | null, { response: { success } }: ProviderTemplate): boolean {
  const value = success === null || body === null ? undefined : valueAt(body, success.path);
  return value !== undefined && value !== success?.equals;
}
