import type { Grant, Sibling, Siblings, TokenMetadata } from './grant.ts';
import { tokenMetadata } from './token-metadata.ts';
import {
  copiesOf,
  mergeRefreshed,
  type RefreshResponse,
  type SiblingTokens,
  type TokenResponse,
  type TokenSet,
} from './token-set.ts';

/** Token set and metadata that are stored together. */
export interface WithMetadata {
  tokens: TokenSet;
  metadata: TokenMetadata;
}

export interface SiblingArrival {
  responses: TokenResponse['siblings'];
  /** Time of the request, from which lifetimes count; null if the time of issue is unknown. */
  requestedAt: Date;
  refreshIdleDays: number | null;
}

/** Adds the second token sets of a response to the ones that are stored. Those that the response omits are kept. */
export function withSiblings(stored: WithMetadata, arrival: SiblingArrival): WithMetadata {
  const responses = Object.entries(arrival.responses ?? {});
  return responses.reduce((before, [name, response]) => addSibling(before, name, response, arrival), stored);
}

function addSibling(
  { tokens, metadata }: WithMetadata,
  name: string,
  response: RefreshResponse,
  { requestedAt, refreshIdleDays }: SiblingArrival,
): WithMetadata {
  const held = metadata.siblings?.[name];
  const kept = mergeRefreshed(heldTokens(tokens, name), response.tokens);
  const arrived = tokenMetadata({
    response,
    kept,
    flow: 'authorization_code',
    exchangesAccessToken: false,
    refreshIdleDays,
    held: held?.metadata ?? null,
    requestedScopes: [],
    requestedAt,
  });
  const sibling = { ...noSiblingFailure, metadata: arrived, lastRefreshAt: held?.lastRefreshAt ?? null };
  return {
    tokens: withSiblingTokens(tokens, name, kept),
    metadata: { ...metadata, siblings: { ...metadata.siblings, [name]: sibling } },
  };
}

/** State of a second token set that works. */
export const noSiblingFailure = {
  status: 'completed',
  statusReason: null,
  statusMessage: null,
  refreshStartedAt: null,
  consecutiveFailures: 0,
  failingSince: null,
  lastError: null,
  retryAt: null,
} as const satisfies Omit<Sibling, 'metadata' | 'lastRefreshAt'>;

/** Returns a second token set in the form of a token set; null if the set has none of that name. */
export function heldTokens({ siblings }: TokenSet, name: string): TokenSet | null {
  const held = siblings?.[name];
  return held === undefined ? null : { ...held, extra: {} };
}

export function withoutSiblings({ siblings: _, ...tokens }: TokenSet): TokenSet {
  return tokens;
}

/** Replaces one second token set. Captured copies of its access token become the new one. */
export function withSiblingTokens(tokens: TokenSet, name: string, { accessToken, ...rest }: SiblingTokens): TokenSet {
  const old = tokens.siblings?.[name];
  const { refreshToken, tokenType } = rest;
  return {
    ...tokens,
    extra: old === undefined ? tokens.extra : copiesOf(old.accessToken, tokens.extra, accessToken),
    siblings: { ...tokens.siblings, [name]: { accessToken, refreshToken, tokenType } },
  };
}

/**
 * Returns the grant with a second token set in the place of the main one, so that every rule for grants applies to it.
 * Undefined if the grant has none of that name.
 */
export function siblingAsGrant(grant: Grant, name: string): Grant | undefined {
  const sibling = grant.metadata?.siblings?.[name];
  if (sibling === undefined || grant.sealedTokens === null || grant.revokedAt !== null) return undefined;
  const { metadata } = sibling;
  return { ...grant, ...sibling, requestedScopes: metadata.scopes, reportedVersion: null };
}

/** Returns each second token set of a grant in the place of the main one. */
export function siblingsAsGrants(grant: Grant): { name: string; grant: Grant }[] {
  return Object.keys(grant.metadata?.siblings ?? {}).flatMap((name) => {
    const sibling = siblingAsGrant(grant, name);
    return sibling === undefined ? [] : [{ name, grant: sibling }];
  });
}

/** Returns the state of a second token set, from the grant that shows it in the place of the main one. */
export function siblingOf(shown: Grant & { metadata: TokenMetadata }): Sibling {
  const { status, statusReason, statusMessage, refreshStartedAt, consecutiveFailures, failingSince } = shown;
  const { metadata, lastError, retryAt, lastRefreshAt } = shown;
  return {
    status: status === 'failed' ? 'failed' : 'completed',
    statusReason,
    statusMessage,
    refreshStartedAt,
    consecutiveFailures,
    failingSince,
    lastError,
    retryAt,
    lastRefreshAt,
    metadata,
  };
}

/** Dates by which the sweep selects a grant for its second token sets. Null: there is nothing to refresh. */
export function siblingDue(siblings: Siblings | undefined): { expiresAt: Date | null; retryAt: Date | null } {
  const waiting = Object.values(siblings ?? {}).filter(
    ({ status, retryAt, metadata }) => metadata.refreshable && (status === 'completed' || retryAt !== null),
  );
  const retries = waiting.map(({ retryAt }) => retryAt);
  return {
    expiresAt: earliest(waiting.map(expiryOrRetry)),
    // One that may be called for now makes the grant due now.
    retryAt: retries.includes(null) ? null : earliest(retries),
  };
}

/** Expiry of a working token set. A refused one is tried again at its retry date, whatever its expiry. */
function expiryOrRetry({ status, retryAt, metadata, lastRefreshAt }: Sibling): Date | null {
  if (status === 'failed') return retryAt;
  // Without an expiry, one refresh is tried to learn the lifetime.
  return metadata.expiresAt ?? (lastRefreshAt === null ? (metadata.obtainedAt ?? new Date(0)) : null);
}

/** Returns the earliest date; null if there is none. */
export function earliest(dates: readonly (Date | null)[]): Date | null {
  const times = dates.flatMap((date) => (date === null ? [] : [date.getTime()]));
  return times.length === 0 ? null : new Date(Math.min(...times));
}
