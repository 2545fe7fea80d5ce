import { LRUCache } from 'lru-cache';
import type { CredentialMatch, CredentialQuery } from '../domain/credential.ts';
import type { CredentialLookup } from '../domain/ports/engine.ts';
import { createChangeLog } from './change-log.ts';
import { channels } from './channels.ts';
import type { Listener } from './listener.ts';
import { packMatch, unpackMatch } from './packed-match.ts';
import { createTaggedCache } from './tagged-cache.ts';

export interface CachedCredentialsDeps {
  /** Reads the row. */
  lookup: Pick<CredentialLookup, 'find'>;
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
}

interface Kept {
  packed: string;
  unpacked: CredentialMatch | undefined;
  /** Since it was read. */
  uses: number;
}

const limits = {
  max: 100_000,
  /** Characters: those of the hundred thousand may be a kilobyte each on average. */
  maxSize: 100_000_000,
  /**
   * The net under notifications of refreshes, which are sent after the commit and die with a process that is killed in
   * between: an older token is forgotten in the end, though it may be alive.
   */
  maxAgeMs: 300_000,
};
/** Those that are wanted all the time are kept as they are handed out; the rest is packed, and unpacked when it is wanted. */
const mostUnpacked = 11_000;
/** How recently one of them was wanted is noted at one use in so many: a look into a second map at each would cost every fetch. */
const usesPerNote = 16;
/** Of those that would displace another, one in so many does: a walk through all of them must not turn everything over. */
const displacing = 16;

/**
 * What fetches found, in memory, with the tokens sealed as they are in the row. Notifications take entries out again: in
 * this process before a change is answered, in another when it hears of it. While they may be missed nothing is cached.
 * That there is no such connection or grant is never remembered.
 */
export function createCachedCredentials({ lookup, listener }: CachedCredentialsDeps): CredentialLookup {
  const unpacked = new LRUCache<string, Kept>({
    max: mostUnpacked,
    dispose: (kept) => {
      kept.unpacked = undefined;
    },
  });
  const matches = createTaggedCache<Kept>({ ...limits, onGone: (key) => unpacked.delete(key) });
  const log = createChangeLog();
  let knocks = 0;

  function changed(tag: string): void {
    log.note(tag);
    matches.drop(tag);
  }

  listener.subscribe(channels.connectionChanged, ({ organization_id, connection_name }) =>
    changed(nameTag(connection_name, organization_id)),
  );
  listener.subscribe(channels.grantChanged, ({ connection_id, organization_id, subject }) =>
    changed(slotTag(connection_id, organization_id, subject)),
  );
  listener.onChange(() => {
    log.noteEverything();
    matches.clear();
  });

  async function readAndRemember(key: string, query: CredentialQuery): Promise<CredentialMatch | undefined> {
    const before = log.position();
    const match = await lookup.find(query);
    if (match === undefined || match.grants.length === 0 || !listener.isUp()) return match;
    const tags = tagsOf(query, match);
    // A notification that arrived while the row was read may be about this very row.
    if (log.hasChangedSince(before, tags)) return match;
    const packed = packMatch(match);
    matches.set(key, { packed, unpacked: undefined, uses: 0 }, { tags, size: packed.length });
    return match;
  }

  function recallKey(key: string): CredentialMatch | undefined {
    // Asked each time: it is what grows old, and what counts the uses.
    const kept = matches.get(key);
    if (kept === undefined) return undefined;
    if (kept.unpacked !== undefined) {
      if (++kept.uses % usesPerNote === 0) unpacked.get(key);
      return kept.unpacked;
    }
    const stays = unpacked.size < mostUnpacked || ++knocks % displacing === 0;
    const match = unpackMatch(kept.packed, stays);
    if (stays) {
      kept.unpacked = match;
      unpacked.set(key, kept);
    }
    return match;
  }

  return {
    recall: (query) => (listener.isUp() ? recallKey(keyOf(query)) : undefined),
    async find(query) {
      if (!listener.isUp()) return lookup.find(query);
      const key = keyOf(query);
      return recallKey(key) ?? readAndRemember(key, query);
    },
    findStored: (query) => readAndRemember(keyOf(query), query),
  };
}

/** Each part behind its length: no two queries share a spelling, whatever characters their parts hold. */
function keyOf({ organizationId, connectionName, subject, accountId }: CredentialQuery): string {
  return `${measured(organizationId)}${measured(connectionName)}${measured(subject)}${measured(accountId)}`;
}

function measured(part: string | null): string {
  return part === null ? '-' : `${part.length}:${part}`;
}

/** Everything whose change may change the answer. */
function tagsOf({ organizationId, connectionName, subject }: CredentialQuery, match: CredentialMatch): string[] {
  const tags = [
    nameTag(connectionName, organizationId),
    // A grant that appears here hides the shared one, or stands beside others.
    slotTag(match.connectionId, organizationId, subject),
  ];
  if (organizationId === null) return tags;
  // An own connection hides the global one, so whoever was served from the global one depends on both names.
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
