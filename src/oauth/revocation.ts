import * as oauth from 'oauth4webapi';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { Secret } from '../domain/secret.ts';
import type { TokenSet } from '../domain/token-set.ts';
import { parseAnswerBody } from './answer-body.ts';
import { refusalFailure } from './classification.ts';
import type { OutboundAnswer } from './outbound.ts';
import { callProtocol } from './protocol-call.ts';
import type { TokenDependencies } from './request-tokens.ts';
import type { Provider } from './resolve-provider.ts';
import { withRetries } from './retry.ts';
import { valueAt } from './value-path.ts';

type TokenKind = 'refresh_token' | 'access_token';

/** Error codes by which providers say that a token is already dead, where RFC 7009 §2.2 would have them say 200. */
const alreadyDead = new Set(['invalid_token', 'token_revoked', 'invalid_grant']);

/** The refresh token first: while it lives, whoever holds it makes new access tokens. True where the provider confirmed. */
export async function revokeTokens(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  tokens: TokenSet,
): Promise<boolean> {
  if (provider.revocationUrl === null) return false;
  if (styleOf(provider) === 'bearer') {
    await revokeByBearer(deps, provider, provider.revocationUrl, tokens.accessToken);
    return true;
  }
  if (tokens.refreshToken !== null) await revokeOne(deps, provider, client, tokens.refreshToken, 'refresh_token');
  try {
    await revokeOne(deps, provider, client, tokens.accessToken, 'access_token');
  } catch (error) {
    // RFC 7009 §2.1: a server need not revoke access tokens; the refresh token is gone, and this one dies of age.
    const unsupported = error instanceof ProviderFailure && error.facts.oauthError === 'unsupported_token_type';
    if (!unsupported || tokens.refreshToken === null) throw error;
  }
  return true;
}

function styleOf({ settings, template }: Provider): 'rfc7009' | 'json' | 'bearer' {
  return settings.revocationUrl !== null ? 'rfc7009' : (template.revocation?.style ?? 'rfc7009');
}

async function revokeOne(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  token: Secret,
  kind: TokenKind,
): Promise<void> {
  const json = styleOf(provider) === 'json';
  await callProtocol(deps, {
    provider,
    client,
    retry: 'any',
    templateParameters: {},
    requestBody: json ? 'json' : 'form',
    read: (answer) => {
      checkRevoked(answer, provider, deps.now());
      return { result: null, shown: null };
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

async function revokeByBearer(
  { http, timing, now }: TokenDependencies,
  provider: Provider,
  url: string,
  token: Secret,
): Promise<void> {
  const deadline = performance.now() + timing.callCapMs;
  const headers = { ...provider.template.requestHeaders, authorization: `Bearer ${token.reveal()}` };
  await withRetries('any', timing, deadline, async () => {
    checkRevoked(await http.send({ method: 'POST', url, headers, body: null }, deadline), provider, now());
  });
}

function checkRevoked(answer: OutboundAnswer, { template }: Provider, now: Date): void {
  const body = parseAnswerBody(answer.body);
  const error = body === null ? null : valueAt(body, template.response.error ?? 'error');
  const confirmed = answer.status >= 200 && answer.status < 300 && body?.ok !== false;
  const dead =
    (confirmed || answer.status === 400 || answer.status === 401) &&
    typeof error === 'string' &&
    alreadyDead.has(error);
  const refused = body?.ok === false && typeof error === 'string' && alreadyDead.has(error);
  if (!confirmed && !dead && !refused) {
    throw refusalFailure({ status: answer.status, error, retryAfter: answer.retryAfter }, template, now);
  }
}
