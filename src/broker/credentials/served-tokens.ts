import type { ServedTokens } from '../../domain/grants/credential.ts';
import type { Sibling, Siblings } from '../../domain/grants/grant.ts';
import { isExpired } from '../../domain/grants/refresh-policy.ts';
import { earliest } from '../../domain/grants/siblings.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';

/** A second token set as `extra` serves it. Without a live token, access_token is null and the status says why. */
export interface ServedSibling {
  access_token: string | null;
  token_type: string;
  expires_at: string | null;
  scopes: string[];
  status: 'completed' | 'failed';
  status_reason: string | null;
}

/**
 * Returns the part of a token set that a fetch hands out. A second token set is served under its name until it expires.
 * Captured copies of its token are left out from then on.
 */
export function servedTokens(tokens: TokenSet, siblings: Siblings | undefined, now: Date): ServedTokens {
  const { accessToken, tokenType } = tokens;
  if (siblings === undefined) return { accessToken, tokenType, extra: tokens.extra };
  let { extra } = tokens;
  for (const [name, sibling] of Object.entries(siblings)) {
    const held = tokens.siblings?.[name];
    const token = held?.accessToken.reveal() ?? '';
    const isLive = token !== '' && !isExpired(sibling.metadata, now);
    if (!isLive) extra = without(extra, token);
    extra = { ...extra, [name]: served(sibling, isLive ? token : null, held?.tokenType ?? 'Bearer') };
  }
  return { accessToken, tokenType, extra };
}

function served({ metadata, status, statusReason }: Sibling, token: string | null, tokenType: string): ServedSibling {
  const hasEnded = token === null && !metadata.refreshable && status === 'completed';
  return {
    access_token: token,
    token_type: tokenType,
    expires_at: metadata.expiresAt?.toISOString() ?? null,
    scopes: metadata.scopes,
    status: hasEnded ? 'failed' : status,
    status_reason: hasEnded ? 'token_expired' : statusReason,
  };
}

function without(extra: Record<string, unknown>, token: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(extra).filter(([, value]) => token === '' || value !== token));
}

/** Returns the next time at which a second token set expires; null if none does. */
export function nextSiblingExpiry(siblings: Siblings, now: Date): Date | null {
  const ends = Object.values(siblings).map(({ metadata }) => metadata.expiresAt);
  return earliest(ends.filter((end) => end !== null && end > now));
}
