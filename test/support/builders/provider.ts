import type { TokenResponse, TokenSet } from '../../../src/domain/grants/token-set.ts';
import { ProviderFailure, type ProviderFailureFacts } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';

export function aTokenSet(accessToken: string, refreshToken: string | null): TokenSet {
  return {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === null ? null : new Secret(refreshToken),
    tokenType: 'Bearer',
    extra: {},
  };
}

export function aTokenResponse(accessToken: string, refreshToken: string | null, accountId?: string): TokenResponse {
  return {
    tokens: aTokenSet(accessToken, refreshToken),
    lifetimeSeconds: 3600,
    refreshLifetimeSeconds: null,
    scopes: null,
    account: accountId === undefined ? null : { id: accountId, name: null },
  };
}

/** A transient failure of a request that was sent and answered. */
export function aProviderFailure(facts: Partial<ProviderFailureFacts>): ProviderFailure {
  return new ProviderFailure('The provider failed as scripted.', {
    class: 'transient',
    sent: true,
    answered: true,
    oauthError: null,
    description: null,
    httpStatus: null,
    retryAfterMs: null,
    ...facts,
  });
}
