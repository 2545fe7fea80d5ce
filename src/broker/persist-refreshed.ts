import type { AuditEvent } from '../domain/audit.ts';
import { isBrokerError } from '../domain/errors.ts';
import type { LeasedGrant, RefreshStore } from '../domain/ports/engine.ts';
import type { StoredTokens } from '../domain/ports/stores.ts';

/** Makes a refreshed token set durable before anyone sees it. False where the row moved or is gone. */
export type PersistRefreshed = (
  leased: LeasedGrant,
  owner: string,
  tokens: StoredTokens,
  event: AuditEvent,
) => Promise<boolean>;

export interface PersistRefreshedDeps {
  store: Pick<RefreshStore, 'save'>;
  sleep: (ms: number) => Promise<void>;
  /** How long to go on while the database is away. The old refresh token may be spent: giving up early loses the grant. */
  giveUpAfterMs: number;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;

export function createPersistRefreshed({ store, sleep, giveUpAfterMs }: PersistRefreshedDeps): PersistRefreshed {
  return async (leased, owner, tokens, event) => {
    let waitedMs = 0;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await store.save(leased, owner, tokens, event);
      } catch (error) {
        // A save whose commit was cut off may have happened; repeating it finds the version moved and writes nothing.
        if (!isBrokerError(error, 'service_unavailable') || waitedMs >= giveUpAfterMs) throw error;
      }
      await sleep(pauseMs);
      waitedMs += pauseMs;
    }
  };
}
