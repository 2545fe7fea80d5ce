import type { Flow } from '../connections/connection.ts';
import type { TokenMetadata } from './grant.ts';
import { keepAliveAt } from './refresh-policy.ts';
import { namedAsRequested, type ScopeNames } from './scopes.ts';
import type { RefreshResponse, TokenSet } from './token-set.ts';

export interface TokenArrival {
  response: RefreshResponse;
  /** Token set to store: the tokens of the response, merged with those stored before. */
  kept: TokenSet;
  flow: Flow;
  /** Whether the provider renews a token by exchanging the access token itself. */
  exchangesAccessToken: boolean;
  /** Days without use after which the provider's refresh tokens expire; null when they do not, or when unknown. */
  refreshIdleDays: number | null;
  /** Whether the lifetime of refresh tokens counts from the person's consent: a refresh then never extends it. */
  countsFromConsent?: boolean;
  /** Metadata of the token set that this one replaces. */
  held: TokenMetadata | null;
  requestedScopes: readonly string[];
  /** Other names of the provider's scopes. */
  scopeNames?: ScopeNames;
  /** Time of the request. Lifetimes count from it, so a slow response never makes a token seem to live longer. */
  requestedAt: Date;
}

/** Computes the token metadata to store. Keeps the last known lifetime if the provider stops stating one. */
export function tokenMetadata(arrival: TokenArrival): TokenMetadata {
  const { response, kept, held, requestedAt, refreshIdleDays } = arrival;
  return {
    ...accessTokenMetadata(arrival),
    refreshExpiresAt: refreshExpiry(arrival),
    refreshable: arrival.flow === 'client_credentials' || kept.refreshToken !== null || arrival.exchangesAccessToken,
    scopes: namedAsRequested(
      response.scopes ?? held?.scopes ?? arrival.requestedScopes,
      arrival.requestedScopes,
      arrival.scopeNames,
    ),
    ...(refreshIdleDays !== null &&
      kept.refreshToken !== null && { keepAliveAt: keepAliveAt(requestedAt, refreshIdleDays) }),
  };
}

function refreshExpiry({ response, kept, held, requestedAt, countsFromConsent }: TokenArrival): Date | null {
  const stated = after(requestedAt, response.refreshLifetimeSeconds);
  const earlier = held?.refreshExpiresAt ?? null;
  if (countsFromConsent === true && earlier !== null) return stated !== null && stated < earlier ? stated : earlier;
  const keptOldRefreshToken = response.tokens.refreshToken === null && kept.refreshToken !== null;
  return stated ?? (keptOldRefreshToken ? earlier : null);
}

/** Dates of the access token that the set contains. Those of the old one stay if the response brought none. */
function accessTokenMetadata({
  response,
  held,
  requestedAt,
}: TokenArrival): Pick<TokenMetadata, 'expiresAt' | 'obtainedAt' | 'lifetimeSeconds'> {
  if (response.tokens.accessToken !== null) {
    const lifetimeSeconds = response.lifetimeSeconds ?? held?.lifetimeSeconds ?? null;
    return { expiresAt: after(requestedAt, lifetimeSeconds), obtainedAt: requestedAt, lifetimeSeconds };
  }
  if (held === null) return { expiresAt: requestedAt, obtainedAt: requestedAt, lifetimeSeconds: null };
  return { expiresAt: held.expiresAt, obtainedAt: held.obtainedAt, lifetimeSeconds: held.lifetimeSeconds };
}

function after(start: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(start.getTime() + seconds * 1000);
}
