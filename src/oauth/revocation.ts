import * as oauth from 'oauth4webapi';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { Secret } from '../domain/secret.ts';
import type { ProviderTemplate, TokenKind } from '../domain/template.ts';
import type { TokenSet } from '../domain/token-set.ts';
import { parseAnswerBody } from './answer-body.ts';
import { refusalFailure } from './classification.ts';
import type { OutboundAnswer } from './outbound.ts';
import { callProtocol } from './protocol-call.ts';
import type { TokenDependencies } from './request-tokens.ts';
import type { Provider } from './resolve-provider.ts';
import { withRetries } from './retry.ts';
import { valueAt } from './value-path.ts';

/** Error codes by which providers say that a token is already dead, where RFC 7009 §2.2 would have them say 200. */
const alreadyDead = new Set(['invalid_token', 'token_revoked', 'invalid_grant']);

type Revocation = NonNullable<ProviderTemplate['revocation']>;

/** A revocation URL of the connection's own, which no template describes. */
const standard: Omit<Revocation, 'url'> = {
  style: 'rfc7009',
  method: 'POST',
  tokens: ['refresh_token', 'access_token'],
};

/**
 * The refresh token first: while it lives, whoever holds it makes new access tokens. True where the provider confirmed,
 * false where it has no endpoint for the tokens there are.
 */
export async function revokeTokens(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  tokens: TokenSet,
): Promise<boolean> {
  const { settings, template, revocationUrl } = provider;
  if (revocationUrl === null) return false;
  const how = { ...((settings.revocationUrl === null && template.revocation) || standard), url: revocationUrl };
  const { style } = how;
  if (style === 'bearer') {
    await revokeUnauthenticated(deps, provider, how, tokens.accessToken);
    return true;
  }
  const revoke = (token: Secret, kind: TokenKind) =>
    style === 'path' || style === 'query'
      ? revokeUnauthenticated(deps, provider, how, token)
      : revokeOne(deps, provider, client, style, token, kind);

  const refreshToken = how.tokens.includes('refresh_token') ? tokens.refreshToken : null;
  if (refreshToken !== null) await revoke(refreshToken, 'refresh_token');
  if (!how.tokens.includes('access_token')) return refreshToken !== null;
  try {
    await revoke(tokens.accessToken, 'access_token');
  } catch (error) {
    // RFC 7009 §2.1: a server need not revoke access tokens; the refresh token is gone, and this one dies of age.
    const unsupported = error instanceof ProviderFailure && error.facts.oauthError === 'unsupported_token_type';
    if (!unsupported || refreshToken === null) throw error;
  }
  return true;
}

async function revokeOne(
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

/** The token is all that is sent, and proof enough. */
async function revokeUnauthenticated(
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
    checkRevoked(await http.send(request, deadline), provider, now());
  });
}

/** The one place where a token stands in a URL, because such a provider takes it nowhere else. */
function withToken(url: string, style: Revocation['style'], token: Secret): string {
  const withIt = new URL(url);
  if (style === 'query') withIt.searchParams.set('token', token.reveal());
  else withIt.pathname = `${withIt.pathname.replace(/\/$/, '')}/${encodeURIComponent(token.reveal())}`;
  return withIt.href;
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
