import * as oauth from 'oauth4webapi';
import type { CallOrder, CodeExchange, OAuthClient } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { TokenAnswer, TokenSet } from '../domain/token-set.ts';
import { readCallback } from './callback.ts';
import { refusalFailure } from './classification.ts';
import {
  type GuardedTokenDependencies,
  requestTokens,
  requestTokensInTurn,
  type TokenDependencies,
} from './request-tokens.ts';
import { type Provider, requireUrl } from './resolve-provider.ts';
import { readScalar } from './value-path.ts';

/**
 * RFC 6749 §4.1.3. A code may be spent once it was sent, whatever came back, so it is never sent again. It soon expires
 * and a person waits: nothing that other calls met holds it back.
 */
export function exchangeCode(
  deps: TokenDependencies,
  provider: Provider,
  client: OAuthClient,
  exchange: CodeExchange,
): Promise<TokenAnswer> {
  const answer = readCallback(provider, exchange.parameters, exchange.state);
  if (answer.kind === 'error') {
    throw refusalFailure({ status: 400, error: answer.error, retryAfter: null }, provider.template, deps.now());
  }
  const { callbackExtra } = provider.template.response;
  const captured = Object.entries(callbackExtra).map(
    ([name, from]) => [name, readScalar(exchange.parameters.get(from) ?? undefined)] as const,
  );
  return requestTokens(deps, {
    provider,
    client,
    url: requireUrl(provider.tokenUrl, 'token URL'),
    retry: 'unsent',
    templateParameters: provider.template.tokenParams,
    scopes: exchange.scopes,
    captured: Object.fromEntries(captured.filter(([, value]) => value !== undefined)),
    run: async ({ as, client: registered, authentication, options }) =>
      oauth.processAuthorizationCodeResponse(
        as,
        registered,
        await oauth.authorizationCodeGrantRequest(
          as,
          registered,
          authentication,
          answer.validated,
          exchange.redirectUri,
          exchange.codeVerifier?.reveal() ?? oauth.nopkce,
          options,
        ),
      ),
  });
}

/** RFC 6749 §6, or the provider's own way of exchanging an access token for a younger one. */
export function refreshTokens(
  deps: GuardedTokenDependencies,
  provider: Provider,
  client: OAuthClient,
  { held, scopes, order }: { held: TokenSet; scopes: readonly string[]; order: CallOrder },
): Promise<TokenAnswer> {
  const { refresh, refreshParams, sendScopeOnRefresh } = provider.template;
  const exchanges = refresh.strategy === 'exchange_access_token';
  const spent = exchanges ? held.accessToken : held.refreshToken;
  if (spent === null) throw nothingToRefreshWith();
  return requestTokensInTurn(deps, order, {
    provider,
    client,
    url: requireUrl(provider.refreshUrl, 'token URL'),
    retry: 'refused',
    templateParameters: refreshParams,
    scopes,
    sendScopes: sendScopeOnRefresh,
    run: async ({ as, client: registered, authentication, options }) =>
      exchanges
        ? oauth.processGenericTokenEndpointResponse(
            as,
            registered,
            await oauth.genericTokenEndpointRequest(
              as,
              registered,
              authentication,
              refresh.grantType,
              new URLSearchParams([...(options.additionalParameters ?? []), [refresh.tokenParam, spent.reveal()]]),
              options,
            ),
          )
        : oauth.processRefreshTokenResponse(
            as,
            registered,
            await oauth.refreshTokenGrantRequest(as, registered, authentication, spent.reveal(), options),
          ),
  });
}

/** RFC 6749 §4.4. Nothing is spent by asking twice. */
export function requestClientCredentials(
  deps: GuardedTokenDependencies,
  provider: Provider,
  client: OAuthClient,
  { scopes, order }: { scopes: readonly string[]; order: CallOrder },
): Promise<TokenAnswer> {
  return requestTokensInTurn(deps, order, {
    provider,
    client,
    url: requireUrl(provider.tokenUrl, 'token URL'),
    retry: 'any',
    templateParameters: provider.template.tokenParams,
    scopes,
    sendScopes: true,
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

function nothingToRefreshWith(): ProviderFailure {
  return new ProviderFailure('There is no refresh token.', {
    class: 'reauthorization',
    sent: false,
    answered: false,
    oauthError: null,
    httpStatus: null,
    retryAfterMs: null,
  });
}
