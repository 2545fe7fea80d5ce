import type { Sibling, Siblings } from '../../domain/grants/grant.ts';
import { siblingDue } from '../../domain/grants/siblings.ts';
import type { StoredSibling, StoredSiblings } from '../stored-siblings.ts';

export function toSiblings(stored: StoredSiblings): Siblings {
  return Object.fromEntries(Object.entries(stored).map(([name, sibling]) => [name, toSibling(sibling)]));
}

function toSibling(stored: StoredSibling): Sibling {
  const { keepAliveAt, ...metadata } = stored.metadata;
  return {
    ...stored,
    refreshStartedAt: dateOf(stored.refreshStartedAt),
    failingSince: dateOf(stored.failingSince),
    retryAt: dateOf(stored.retryAt),
    lastRefreshAt: dateOf(stored.lastRefreshAt),
    lastError: stored.lastError && { ...stored.lastError, at: new Date(stored.lastError.at) },
    metadata: {
      ...metadata,
      expiresAt: dateOf(metadata.expiresAt),
      refreshExpiresAt: dateOf(metadata.refreshExpiresAt),
      obtainedAt: dateOf(metadata.obtainedAt),
      ...(keepAliveAt !== undefined && { keepAliveAt: new Date(keepAliveAt) }),
    },
  };
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

/** Column values of the second token sets, which are always written with the dates that follow from them. */
export function siblingColumns(siblings: Siblings | undefined) {
  const { expiresAt, retryAt } = siblingDue(siblings);
  return {
    siblings: siblings === undefined ? null : JSON.stringify(siblings),
    sibling_expires_at: expiresAt,
    sibling_retry_at: retryAt,
  };
}

/** Column values that remove the second token sets. */
export const noSiblings = { siblings: null, sibling_expires_at: null, sibling_retry_at: null };
