import * as oauth from 'oauth4webapi';
import type { RefreshResponse, TokenResponse, TokenSet } from '../../domain/grants/token-set.ts';
import type { CallPriority, CodeExchange, OAuthClient } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { type Provider, requireUrl } from '../providers/resolve-provider.ts';
import { readScalar } from '../providers/value-path.ts';
import { refusalFailure } from '../responses/classification.ts';
import { readAuthorizationResponse } from '../responses/read-authorization-response.ts';
import { readRefreshResponse, readTokenResponse } from '../responses/read-token-response.ts';
import {
  type GuardedTokenDependencies,
  sendGuardedTokenRequest,
  sendTokenRequest,
  type TokenDependencies,
} from './send-token-request.ts';

/**
 * Exchanges an authorization code for tokens (RFC 6749 §4.1.3). A sent code may be spent: it is never sent again.
 * A code expires soon and a person is waiting: the endpoint guard never holds back an exchange.
 */
export function exchangeCode(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  exchange: CodeExchange,
): Promise<TokenResponse> {
  const response = readAuthorizationResponse(provider, exchange.parameters, exchange.state);
  if (response.kind === 'error') {
    const refusal = { status: 400, retryAfter: null, body: JSON.stringify({ error: response.error }) };
    throw refusalFailure(refusal, { template: provider.template, isRefresh: false, now: deps.now() });
  }
  const { callbackExtra } = provider.template.response;
  const parameters = Object.entries(callbackExtra).map(
    ([name, from]) => [name, readScalar(exchange.parameters.get(from) ?? undefined)] as const,
  );
  const captured = Object.fromEntries(parameters.filter(([, value]) => value !== undefined));
  return sendTokenRequest(deps, {
    provider,
    client,
    url: requireUrl(provider.tokenUrl, 'token URL'),
    retry: 'unsent',
    templateParameters: provider.template.tokenParams,
    scopes: exchange.scopes,
    read: (received) =>
      readTokenResponse(received, {
        provider,
        captured,
        sent: sentBy(client, [exchange.codeVerifier, exchange.parameters.get(provider.template.codeParam)]),
        now: deps.now(),
      }),
    run: async ({ as, client: registered, authentication, options }) =>
      oauth.processAuthorizationCodeResponse(
        as,
        registered,
        await oauth.authorizationCodeGrantRequest(
          as,
          registered,
          authentication,
          response.validated,
          exchange.redirectUri,
          exchange.codeVerifier?.reveal() ?? oauth.nopkce,
          options,
        ),
      ),
  });
}

/** Refreshes tokens (RFC 6749 §6), or exchanges the access token for a newer one if the template says so. */
export function refreshTokens(
  deps: GuardedTokenDependencies,
  provider: Provider,
  client: OAuthClient,
  { tokens, scopes, priority }: { tokens: TokenSet; scopes: readonly string[]; priority: CallPriority },
): Promise<RefreshResponse> {
  const { refresh, refreshParams, sendScopeOnRefresh } = provider.template;
  const exchangesAccessToken = refresh.strategy === 'exchange_access_token';
  const token = exchangesAccessToken ? tokens.accessToken : tokens.refreshToken;
  if (token === null) throw noRefreshToken();
  return sendGuardedTokenRequest(deps, priority, {
    provider,
    client,
    url: requireUrl(provider.refreshUrl, 'token URL'),
    retry: 'refused',
    templateParameters: refreshParams,
    scopes,
    sendScopes: sendScopeOnRefresh,
    read: (received) =>
      readRefreshResponse(received, tokens.refreshToken, {
        provider,
        sent: sentBy(client, [tokens.refreshToken, tokens.accessToken]),
        now: deps.now(),
      }),
    run: async ({ as, client: registered, authentication, options }) =>
      exchangesAccessToken
        ? oauth.processGenericTokenEndpointResponse(
            as,
            registered,
            await oauth.genericTokenEndpointRequest(
              as,
              registered,
              authentication,
              refresh.grantType,
              new URLSearchParams([...(options.additionalParameters ?? []), [refresh.tokenParam, token.reveal()]]),
              options,
            ),
          )
        : oauth.processRefreshTokenResponse(
            as,
            registered,
            await oauth.refreshTokenGrantRequest(as, registered, authentication, token.reveal(), options),
          ),
  });
}

/** Requests tokens for the client itself (RFC 6749 §4.4). Repeating this request spends nothing. */
export function requestClientCredentials(
  deps: GuardedTokenDependencies,
  provider: Provider,
  client: OAuthClient,
  { scopes, priority }: { scopes: readonly string[]; priority: CallPriority },
): Promise<TokenResponse> {
  return sendGuardedTokenRequest(deps, priority, {
    provider,
    client,
    url: requireUrl(provider.tokenUrl, 'token URL'),
    retry: 'any',
    templateParameters: provider.template.tokenParams,
    scopes,
    sendScopes: true,
    read: (received) => readTokenResponse(received, { provider, sent: sentBy(client, []), now: deps.now() }),
    run: async ({ as, client: registered, authentication, options }) =>
      oauth.processClientCredentialsResponse(
        as,
        registered,
        await oauth.clientCredentialsGrantRequest(
          as,
          registered,
          authentication,
          options.additionalParameters ?? new URLSearchParams(),
          options,
        ),
      ),
  });
}

/** Lists the secrets of a request in the forms in which a provider may repeat them: plain, encoded, and as Basic. */
function sentBy({ settings, secrets }: OAuthClient, tokens: readonly (Secret | string | null)[]): string[] {
  const values = tokens.flatMap((token) => (token === null ? [] : typeof token === 'string' ? token : token.reveal()));
  return secrets
    .flatMap((secret) => {
      const basic = Buffer.from(`${settings.clientId}:${secret.reveal()}`).toString('base64');
      return [secret.reveal(), basic];
    })
    .concat(values)
    .flatMap((value) => [value, encodeURIComponent(value)]);
}

function noRefreshToken(): ProviderFailure {
  return new ProviderFailure('There is no refresh token.', {
    class: 'reauthorization',
    sent: false,
    answered: false,
    oauthError: null,
    description: null,
    httpStatus: null,
    retryAfterMs: null,
  });
}
