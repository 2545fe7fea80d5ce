import { isBrokerError } from '../../domain/errors.ts';
import type { RefreshStore } from '../../domain/ports/engine.ts';
import type { Spool, SpooledTokens } from '../../domain/ports/spool.ts';
import type { RebaseRefreshed } from './rebase-refreshed.ts';

/**
 * Result of persisting a token set.
 * - stored: written to the database.
 * - rebased: written to the database beside a newer one of the same grant. The row shows both.
 * - moved: the row was replaced, revoked or deleted meanwhile; nothing was written.
 * - spooled: written to this instance's disk and being transferred to the database.
 */
export type Persisted = 'stored' | 'rebased' | 'moved' | 'spooled';

export interface PersistRefreshed {
  /**
   * Makes a refreshed token set durable. Its access token may be served only afterwards. Never throws: whatever the
   * database answers, a rotated refresh token goes to the disk, unless it is stored or its row has moved on.
   */
  persist(entry: SpooledTokens): Promise<Persisted>;
  /** Returns the newest token set of that grant if the database has not stored it yet. */
  unsaved(grantId: string): SpooledTokens | undefined;
  /**
   * Writes the token sets that an ended process left on its disk. An entry is written if the row still has its base
   * version, also over a failure, which the missing write may have caused. Throws service_unavailable while the
   * database cannot be read. An entry that a readable database refuses stays on the disk, is tried again in the
   * background, and does not block the start: `unsaved` lists its grant.
   */
  replay(from: Spool): Promise<Replayed>;
}

export interface Replayed {
  written: number;
  outdated: number;
  /** Grants whose token set is still on the disk. Their leases must be kept. */
  unsaved: string[];
}

export interface PersistRefreshedDeps {
  store: Pick<RefreshStore, 'save' | 'keepLease' | 'find'>;
  rebase: RebaseRefreshed;
  spool: Spool;
  /** Rejects when the process ends. Entries on the disk stay there for the next process. */
  sleep: (ms: number) => Promise<void>;
  clock: () => Date;
  /** A lease is extended by this time while its holder cannot save. */
  leaseMs: number;
  onError: (error: unknown) => void;
}

/** Pauses between tries while the database refuses. The longest one delays the end of a fault by 2 s. */
const firstPauseMs = 200;
const longestPauseMs = 2_000;
/** Part of the lease after which it is extended. A third leaves time for two further tries. */
const keptShare = 3;

export function createPersistRefreshed(deps: PersistRefreshedDeps): PersistRefreshed {
  const { store, spool, sleep, onError } = deps;
  const transfers = new Map<string, SpooledTokens>();

  /** Tries again until there is a result. Rejects when the process ends. */
  async function repeat<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      await sleep(pauseMs);
      const result = await attempt();
      if (result !== undefined) return result;
    }
  }

  /** Keeps trying to store an entry that is on a disk. */
  function transfer(entry: SpooledTokens, from: Spool, save: Save): void {
    const { id } = entry.base;
    transfers.set(id, entry);
    repeat(save)
      .then(() => from.remove(entry))
      .catch(onError)
      .finally(() => transfers.delete(id));
  }

  return {
    async persist(entry) {
      const save = createSave(deps, entry);
      const reportOnce = createReportOnce(onError);
      const attempt = async (): Promise<Persisted | undefined> =>
        (await save()) ?? (await spool.put(entry).then(() => 'spooled', reportOnce));
      const result = (await attempt()) ?? (await repeat(attempt));
      if (result === 'spooled') transfer(entry, spool, save);
      return result;
    },

    unsaved: (grantId) => transfers.get(grantId),

    async replay(from) {
      const report: Replayed = { written: 0, outdated: 0, unsaved: [] };
      for (const entry of await from.list()) {
        const { id } = entry.base;
        const save = createSave(deps, entry);
        const result = transfers.has(id) ? undefined : await save();
        if (result !== undefined) {
          report[result === 'moved' ? 'outdated' : 'written'] += 1;
          await from.remove(entry);
          continue;
        }
        // Throws if the database is away. If it can be read, it refuses this entry for another reason.
        await store.find(id);
        if (!transfers.has(id)) transfer(entry, from, save);
        report.unsaved.push(id);
      }
      return report;
    },
  };
}

/** Tries once to store a token set. Returns undefined if it failed, and extends the lease when that is due. */
type Save = () => Promise<Exclude<Persisted, 'spooled'> | undefined>;

function createSave({ store, rebase, clock, leaseMs, onError }: PersistRefreshedDeps, entry: SpooledTokens): Save {
  const { base, owner } = entry;
  const report = createReportOnce((error) => {
    if (!isBrokerError(error, 'service_unavailable')) onError(error);
  });
  let keptAt: number | undefined;

  async function keepLease(): Promise<void> {
    const now = clock().getTime();
    if (keptAt !== undefined && now - keptAt < leaseMs / keptShare) return;
    // Without the lease another process would send the refresh token that this token set replaces.
    await store.keepLease(base, owner, leaseMs);
    keptAt = now;
  }

  async function saveOrRebase(): Promise<Exclude<Persisted, 'spooled'>> {
    let result: 'stored' | 'rebased' = 'stored';
    for (let newest: SpooledTokens | undefined = entry; newest !== undefined; newest = await rebase(newest)) {
      const { tokens, event, sibling } = newest;
      // A commit that was cut off may have succeeded. The next try then finds another version and writes nothing.
      if (await store.save(newest.base, owner, tokens, event, sibling)) return result;
      result = 'rebased';
    }
    return 'moved';
  }

  return async () => {
    try {
      return await saveOrRebase();
    } catch (error) {
      report(error);
    }
    // Best effort: what refuses the token set may refuse this, too.
    await keepLease().catch(() => undefined);
    return undefined;
  };
}

/** Reports an error once, however often it is repeated. */
function createReportOnce(onError: (error: unknown) => void): (error: unknown) => undefined {
  let reported: string | undefined;
  return (error) => {
    const text = String(error);
    if (text !== reported) onError(error);
    reported = text;
    return undefined;
  };
}
