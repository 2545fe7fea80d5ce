import type { UrlOrigins } from '../../../domain/connections/url-origins.ts';
import type { ProviderAccount, RefreshResponse, TokenSet } from '../../../domain/grants/token-set.ts';
import { Secret } from '../../../domain/secret.ts';
import type { WaitingSecrets } from '../../waiting-tokens.ts';
import type { GrantBefore } from '../connect-grant.ts';
import type { ObtainedTokens } from '../obtain-authorized-tokens.ts';

/** Everything that the confirmation makes a grant of. */
export interface WaitingContent {
  obtained: ObtainedTokens;
  before: GrantBefore;
  /** Address of the browser that completed the sign-in. */
  address: string | null;
}

interface StoredResponse {
  access_token: string | null;
  refresh_token: string | null;
  token_type: string;
  extra: Record<string, unknown>;
  lifetime_seconds: number | null;
  refresh_lifetime_seconds: number | null;
  scopes: string[] | null;
  account: ProviderAccount | null;
  siblings?: Record<string, StoredResponse>;
}

interface StoredContent {
  response: StoredResponse;
  account: ProviderAccount | null;
  test_result: ObtainedTokens['testResult'];
  requested_at: string;
  origins: UrlOrigins;
  before: { id: string; account_id: string | null; revoked_at: string | null } | null;
  address: string | null;
}

/** Builds the secrets to seal. */
export function secretsOf(code: string, { obtained, before, address }: WaitingContent): WaitingSecrets {
  const { response, account, testResult, requestedAt, origins } = obtained;
  const content: StoredContent = {
    response: storeResponse(response),
    account,
    test_result: testResult,
    requested_at: requestedAt.toISOString(),
    origins,
    before: before
      ? { id: before.id, account_id: before.accountId, revoked_at: before.revokedAt?.toISOString() ?? null }
      : null,
    address,
  };
  return { code, tokens: everyTokenOf(obtained), origins, obtained: content };
}

export function contentOf({ obtained }: WaitingSecrets): WaitingContent {
  const stored = obtained as StoredContent;
  const { accessToken, ...others } = readResponse(stored.response).tokens;
  if (accessToken === null) throw new Error('waiting tokens have no access token');
  const { before } = stored;
  return {
    obtained: {
      kind: 'obtained',
      response: { ...readResponse(stored.response), tokens: { ...others, accessToken } },
      account: stored.account,
      testResult: stored.test_result,
      requestedAt: new Date(stored.requested_at),
      origins: stored.origins,
    },
    before: before
      ? {
          id: before.id,
          accountId: before.account_id,
          revokedAt: before.revoked_at === null ? null : new Date(before.revoked_at),
        }
      : undefined,
    address: stored.address,
  };
}

/** Collects the tokens that a revocation must end. */
function everyTokenOf({ response }: ObtainedTokens): TokenSet {
  const second = Object.entries(response.siblings ?? {}).map(([name, { tokens }]) => {
    const { refreshToken, tokenType } = tokens;
    return [name, { accessToken: tokens.accessToken ?? new Secret(''), refreshToken, tokenType }] as const;
  });
  if (second.length === 0) return response.tokens;
  return { ...response.tokens, siblings: Object.fromEntries(second) };
}

function storeResponse(response: RefreshResponse): StoredResponse {
  const { tokens, lifetimeSeconds, refreshLifetimeSeconds, scopes, account, siblings } = response;
  return {
    access_token: tokens.accessToken?.reveal() ?? null,
    refresh_token: tokens.refreshToken?.reveal() ?? null,
    token_type: tokens.tokenType,
    extra: tokens.extra,
    lifetime_seconds: lifetimeSeconds,
    refresh_lifetime_seconds: refreshLifetimeSeconds,
    scopes,
    account,
    ...(siblings !== undefined && { siblings: mapValues(siblings, storeResponse) }),
  };
}

function readResponse(stored: StoredResponse): RefreshResponse {
  return {
    tokens: {
      accessToken: stored.access_token === null ? null : new Secret(stored.access_token),
      refreshToken: stored.refresh_token === null ? null : new Secret(stored.refresh_token),
      tokenType: stored.token_type,
      extra: stored.extra,
    },
    lifetimeSeconds: stored.lifetime_seconds,
    refreshLifetimeSeconds: stored.refresh_lifetime_seconds,
    scopes: stored.scopes,
    account: stored.account,
    ...(stored.siblings !== undefined && { siblings: mapValues(stored.siblings, readResponse) }),
  };
}

function mapValues<A, B>(members: Readonly<Record<string, A>>, map: (member: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, map(member)]));
}
