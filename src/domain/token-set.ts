import { Secret } from './secret.ts';

/** The secrets of a grant: sealed together, replaced together. */
export interface TokenSet {
  accessToken: Secret;
  refreshToken: Secret | null;
  /** As the provider spells it, `Bearer` where it says nothing (RFC 6749 §7.1). */
  tokenType: string;
  /** Values a template captures beside the tokens: instance_url, team.id, a second token. May be secret. */
  extra: Record<string, unknown>;
}

/** What the provider said, normalised: a token set and the facts that came with it. */
export interface TokenAnswer {
  tokens: TokenSet;
  /** Seconds; null where the provider is silent and neither the template nor the token itself tells. */
  lifetimeSeconds: number | null;
  refreshLifetimeSeconds: number | null;
  /** Null: the provider did not say, so what was requested was granted (RFC 6749 §5.1). */
  scopes: string[] | null;
  account: ProviderAccount | null;
}

export interface ProviderAccount {
  id: string;
  name: string | null;
}

/**
 * The token set to keep after a refresh: what is new wins, and a refresh token or an extra the provider left out stays
 * (RFC 6749 §6: the old refresh token remains valid unless a new one is issued).
 */
export function mergeRefreshed(held: TokenSet | null, fresh: TokenSet): TokenSet {
  if (held === null) return fresh;
  return {
    accessToken: fresh.accessToken,
    refreshToken: fresh.refreshToken ?? held.refreshToken,
    tokenType: fresh.tokenType,
    extra: { ...held.extra, ...fresh.extra },
  };
}

/** The plaintext that gets sealed. */
export function serializeTokenSet(tokens: TokenSet): string {
  return JSON.stringify({
    access_token: tokens.accessToken.reveal(),
    refresh_token: tokens.refreshToken?.reveal() ?? null,
    token_type: tokens.tokenType,
    extra: tokens.extra,
  });
}

export function parseTokenSet(plaintext: string): TokenSet {
  const stored = JSON.parse(plaintext) as {
    access_token: string;
    refresh_token: string | null;
    token_type: string;
    extra: Record<string, unknown>;
  };
  return {
    accessToken: new Secret(stored.access_token),
    refreshToken: stored.refresh_token === null ? null : new Secret(stored.refresh_token),
    tokenType: stored.token_type,
    extra: stored.extra,
  };
}
