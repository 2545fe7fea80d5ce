import type { CredentialMatch, CredentialQuery, ServableGrant } from '../../domain/grants/credential.ts';
import type { CredentialLookup } from '../../domain/ports/engine.ts';
import type { CacheReadings } from '../../domain/ports/monitoring/readings.ts';
import { channels } from '../notify/channels.ts';
import type { Listener } from '../notify/listener.ts';
import { ownBytes } from './own-bytes.ts';
import { createRecentInvalidations } from './recent-invalidations.ts';
import { createTaggedCache } from './tagged-cache.ts';

export interface CachedCredentials extends CredentialLookup {
  readings(): CacheReadings;
}

export interface CachedCredentialsDeps {
  /** Reads the rows. */
  lookup: Pick<CredentialLookup, 'find'>;
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
  /** Maximum number of cached matches. */
  max: number;
}

/** Upper bound on staleness if a notification of a refresh is lost with a killed process. */
const maxAgeMs = 300_000;

/**
 * Caches the matches of fetches, with the tokens sealed as they are in the row. Notifications drop entries: in this
 * process before a change is answered, in another process when the notification arrives. Caches nothing while the
 * listener is down, and never the absence of a connection or grant.
 */
export function createCachedCredentials({ lookup, listener, max }: CachedCredentialsDeps): CachedCredentials {
  const matches = createTaggedCache<CredentialMatch>({ max, maxAgeMs });
  const invalidations = createRecentInvalidations();
  let hits = 0;
  let misses = 0;

  function invalidate(tag: string): void {
    invalidations.add(tag);
    matches.drop(tag);
  }

  listener.subscribe(channels.connectionChanged, ({ organization_id, connection_name }) =>
    invalidate(nameTag(connection_name, organization_id)),
  );
  listener.subscribe(channels.grantChanged, ({ connection_id, organization_id, subject }) =>
    invalidate(slotTag(connection_id, organization_id, subject)),
  );
  listener.onChange(() => {
    invalidations.addAll();
    matches.clear();
  });

  async function readAndCache(key: string, query: CredentialQuery): Promise<CredentialMatch | undefined> {
    const before = invalidations.position();
    const match = await lookup.find(query);
    if (match === undefined || match.grants.length === 0 || !listener.isUp()) return match;
    const tags = tagsOf(query, match);
    // A notification that arrived during the read may be about this row.
    if (invalidations.includesAnySince(before, tags)) return match;
    const own = { ...match, grants: match.grants.map(withOwnBytes) };
    matches.set(key, { ...own, fromCache: true }, tags);
    return own;
  }

  return {
    async find(query) {
      const key = keyOf(query);
      const cached = listener.isUp() ? matches.get(key) : undefined;
      if (cached !== undefined) {
        hits += 1;
        return cached;
      }
      misses += 1;
      return readAndCache(key, query);
    },
    findStored: (query) => readAndCache(keyOf(query), query),
    readings: () => ({ hits, misses, entries: matches.size() }),
  };
}

function withOwnBytes(grant: ServableGrant): ServableGrant {
  return { ...grant, sealedTokens: grant.sealedTokens && ownBytes(grant.sealedTokens) };
}

/** As JSON: no two queries share a key, whatever characters their parts hold, and null is not "null". */
function keyOf({ organizationId, connectionName, subject, accountId }: CredentialQuery): string {
  return JSON.stringify([organizationId, connectionName, subject, accountId]);
}

/** Names everything whose change may change the match of this query. */
function tagsOf({ organizationId, connectionName, subject }: CredentialQuery, match: CredentialMatch): string[] {
  const tags = [
    nameTag(connectionName, organizationId),
    // A new grant in this slot hides the shared grant, or adds a second account.
    slotTag(match.connectionId, organizationId, subject),
  ];
  if (organizationId === null) return tags;
  // An own connection hides the global one: a match on the global connection depends on both names.
  if (match.organizationId === null) tags.push(nameTag(connectionName, null));
  const isShared = match.grants.some((grant) => grant.organizationId === null);
  if (isShared) tags.push(slotTag(match.connectionId, null, null));
  return tags;
}

function nameTag(name: string, organizationId: string | null): string {
  return JSON.stringify(['name', name, organizationId]);
}

function slotTag(connectionId: string, organizationId: string | null, subject: string | null): string {
  return JSON.stringify([connectionId, organizationId, subject]);
}
