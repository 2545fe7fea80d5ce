import { Secret } from '../secret.ts';

/** Secrets of a grant. They are sealed and replaced together. */
export interface TokenSet {
  accessToken: Secret;
  refreshToken: Secret | null;
  /** `Bearer`, or another type as the provider spells it (RFC 6749 §7.1). */
  tokenType: string;
  /** Values that a template captures beside the tokens: instance_url, team.id, a second token. They may be secret. */
  extra: Record<string, unknown>;
  /** Second token sets by name; absent if the grant has none. */
  siblings?: Readonly<Record<string, SiblingTokens>>;
}

/** Secrets of a second token set. An empty access token has expired: the provider sent a refresh token alone. */
export type SiblingTokens = Omit<TokenSet, 'extra' | 'siblings'>;

/** Normalised token response: a token set and the metadata that came with it. */
export interface TokenResponse {
  tokens: Omit<TokenSet, 'siblings'>;
  /** Lifetime in seconds; null when neither the provider, the template nor the token itself states one. */
  lifetimeSeconds: number | null;
  refreshLifetimeSeconds: number | null;
  /** Granted scopes. Null means the requested scopes were granted (RFC 6749 §5.1). */
  scopes: string[] | null;
  account: ProviderAccount | null;
  /** Second token sets of the response, by the names of the template; absent if it brings none. */
  siblings?: Readonly<Record<string, RefreshResponse>>;
}

/**
 * Response to a refresh. Some providers rotate the refresh token and send no access token: then `accessToken` is null and
 * the refresh token is present.
 */
export interface RefreshResponse extends Omit<TokenResponse, 'tokens'> {
  tokens: Omit<TokenSet, 'accessToken' | 'siblings'> & { accessToken: Secret | null };
}

export interface ProviderAccount {
  id: string;
  name: string | null;
  /** Email address that the provider named and did not call unverified; absent if there is none. */
  email?: string;
  /** True if only the callback's query names the account: the browser can change it, so it proves nothing. */
  isFromCallback?: boolean;
}

/**
 * Merges a refreshed token set into the stored one. What the response omits is kept: under RFC 6749 §6 the old refresh
 * token stays valid unless a new one is issued. Without any access token the set has an empty one, which is expired.
 */
export function mergeRefreshed(held: TokenSet | null, fresh: RefreshResponse['tokens']): TokenSet {
  const { accessToken } = fresh;
  const merged: TokenSet = {
    accessToken: accessToken ?? held?.accessToken ?? new Secret(''),
    refreshToken: fresh.refreshToken ?? held?.refreshToken ?? null,
    tokenType: accessToken === null ? (held?.tokenType ?? fresh.tokenType) : fresh.tokenType,
    extra: { ...(held && copiesOf(held.accessToken, held.extra, accessToken)), ...fresh.extra },
  };
  return held?.siblings === undefined ? merged : { ...merged, siblings: held.siblings };
}

/** Returns captured values in which each copy of an access token has become the newer token; null keeps the copies. */
export function copiesOf(old: Secret, extra: Record<string, unknown>, newer: Secret | null): Record<string, unknown> {
  const text = old.reveal();
  if (newer === null || text === '') return extra;
  return Object.fromEntries(
    Object.entries(extra).map(([name, value]) => [name, value === text ? newer.reveal() : value]),
  );
}

/** Serializes a token set to the plaintext that is sealed. */
export function serializeTokenSet(tokens: TokenSet): string {
  const { siblings, extra } = tokens;
  const named = siblings && Object.entries(siblings).map(([name, one]) => [name, storedTokens(one)] as const);
  return JSON.stringify({
    ...storedTokens(tokens),
    extra,
    // Left out if there are none: most grants have no second token set.
    ...(named !== undefined && { siblings: Object.fromEntries(named) }),
  });
}

export function parseTokenSet(plaintext: string): TokenSet {
  const stored = JSON.parse(plaintext) as StoredTokenSet;
  const { siblings } = stored;
  const tokens = { ...tokensOf(stored), extra: stored.extra };
  if (siblings === undefined) return tokens;
  const named = Object.entries(siblings).map(([name, one]) => [name, tokensOf(one)] as const);
  return { ...tokens, siblings: Object.fromEntries(named) };
}

interface StoredSecrets {
  access_token: string;
  refresh_token: string | null;
  token_type: string;
}

/** Token sets that were sealed before there were siblings have none. */
interface StoredTokenSet extends StoredSecrets {
  extra: Record<string, unknown>;
  siblings?: Record<string, StoredSecrets>;
}

function storedTokens({ accessToken, refreshToken, tokenType }: SiblingTokens): StoredSecrets {
  return {
    access_token: accessToken.reveal(),
    refresh_token: refreshToken?.reveal() ?? null,
    token_type: tokenType,
  };
}

function tokensOf(stored: StoredSecrets): SiblingTokens {
  return {
    accessToken: new Secret(stored.access_token),
    refreshToken: stored.refresh_token === null ? null : new Secret(stored.refresh_token),
    tokenType: stored.token_type,
  };
}
