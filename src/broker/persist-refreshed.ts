import { isBrokerError } from '../domain/errors.ts';
import type { RefreshStore } from '../domain/ports/engine.ts';
import type { Spool, SpooledTokens } from '../domain/ports/spool.ts';

/**
 * stored: in the database. moved: the row was replaced, revoked or deleted meanwhile; nothing was written. spooled: on
 * this instance's disk, and on its way to the database.
 */
export type Persisted = 'stored' | 'moved' | 'spooled';

export interface PersistRefreshed {
  /** Makes a refreshed token set durable before anyone sees it. */
  persist(entry: SpooledTokens): Promise<Persisted>;
  /** Resolves once nothing of that grant waits on the disk any more: until then its row is out of date. */
  settled(grantId: string): Promise<void>;
  /**
   * Writes what a process that is no more left on its disk. Where the row still has the version they built on, it is written
   * also over a failure, which the missing write may have caused. Throws service_unavailable while the database is away;
   * what it refuses for another reason stays on the disk, and keeps nobody from starting.
   */
  replay(from: Spool): Promise<{ written: number; outdated: number }>;
}

export interface PersistRefreshedDeps {
  store: Pick<RefreshStore, 'save'>;
  spool: Spool;
  /** Rejects when the process ends: what is on the disk stays there for the next one. */
  sleep: (ms: number) => Promise<void>;
  onError: (error: unknown) => void;
}

const firstPauseMs = 200;
const longestPauseMs = 2_000;

export function createPersistRefreshed({ store, spool, sleep, onError }: PersistRefreshedDeps): PersistRefreshed {
  const waiting = new Map<string, Promise<void>>();

  const save = ({ base, owner, tokens, event }: SpooledTokens) => store.save(base, owner, tokens, event);

  async function saveInTheEnd(entry: SpooledTokens): Promise<boolean> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        // One whose commit was cut off may have happened: the next finds the version moved and writes nothing.
        return await save(entry);
      } catch (error) {
        if (!isBrokerError(error, 'service_unavailable')) throw error;
      }
      await sleep(pauseMs);
    }
  }

  async function carryOver(entry: SpooledTokens): Promise<void> {
    await saveInTheEnd(entry);
    await spool.remove(entry);
  }

  return {
    async persist(entry) {
      try {
        return (await save(entry)) ? 'stored' : 'moved';
      } catch (error) {
        if (!isBrokerError(error, 'service_unavailable')) throw error;
      }
      try {
        await spool.put(entry);
      } catch (error) {
        onError(error);
        return (await saveInTheEnd(entry)) ? 'stored' : 'moved';
      }
      const { id } = entry.base;
      waiting.set(
        id,
        carryOver(entry)
          .catch(onError)
          .finally(() => waiting.delete(id)),
      );
      return 'spooled';
    },

    settled: async (grantId) => waiting.get(grantId),

    async replay(from) {
      const report = { written: 0, outdated: 0 };
      for (const entry of await from.list()) {
        try {
          report[(await save(entry)) ? 'written' : 'outdated'] += 1;
          await from.remove(entry);
        } catch (error) {
          if (isBrokerError(error, 'service_unavailable')) throw error;
          onError(error);
        }
      }
      return report;
    },
  };
}
