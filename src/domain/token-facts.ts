import type { Flow } from './connection.ts';
import type { TokenFacts } from './grant.ts';
import { keepAliveAt } from './refresh-policy.ts';
import type { TokenAnswer, TokenSet } from './token-set.ts';

export interface TokenArrival {
  answer: TokenAnswer;
  /** What is kept: the answer's tokens, merged with those held before. */
  kept: TokenSet;
  flow: Flow;
  /** Whether the provider renews by exchanging the access token itself. */
  exchangesAccessToken: boolean;
  /** Days without use after which the provider's refresh tokens die; null where they do not, or nobody knows. */
  refreshIdleDays: number | null;
  /** Of the token set this one replaces. */
  held: TokenFacts | null;
  requestedScopes: readonly string[];
  /** When the request was made: a lifetime counts from there, so that a slow answer never makes a token look younger. */
  requestedAt: Date;
}

/** Dates and scopes to store with a token set. Where the provider stopped telling a lifetime, the last one seen stands. */
export function factsOf(arrival: TokenArrival): TokenFacts {
  const { answer, kept, held, requestedAt } = arrival;
  const lifetimeSeconds = answer.lifetimeSeconds ?? held?.lifetimeSeconds ?? null;
  const { refreshIdleDays } = arrival;
  const keptOldRefreshToken = answer.tokens.refreshToken === null && kept.refreshToken !== null;
  return {
    expiresAt: after(requestedAt, lifetimeSeconds),
    refreshExpiresAt:
      after(requestedAt, answer.refreshLifetimeSeconds) ??
      (keptOldRefreshToken ? (held?.refreshExpiresAt ?? null) : null),
    obtainedAt: requestedAt,
    lifetimeSeconds,
    refreshable: arrival.flow === 'client_credentials' || kept.refreshToken !== null || arrival.exchangesAccessToken,
    scopes: answer.scopes ?? held?.scopes ?? [...arrival.requestedScopes],
    ...(refreshIdleDays !== null &&
      kept.refreshToken !== null && { keepAliveAt: keepAliveAt(requestedAt, refreshIdleDays) }),
  };
}

function after(start: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(start.getTime() + seconds * 1000);
}
