import { siblingAsGrant } from '../../domain/grants/siblings.ts';
import type { RefreshStore, SiblingStores } from '../../domain/ports/engine.ts';
import { isUuid } from '../driver/uuid.ts';
import { toGrant } from '../grants/grant-rows.ts';
import { channels, type GrantChanged } from '../notify/channels.ts';
import { createFindConnection } from './find-connection.ts';
import { createTakeLease } from './lease.ts';
import type { RefreshStoreDeps } from './refresh-store.ts';
import { failSibling, releaseSibling, saveSibling } from './sibling-writes.ts';

/** Creates the stores of second token sets. Version and lease are those of the grant, `main` does the rest. */
export function createSiblingStores({ db, pool, notifier }: RefreshStoreDeps, main: RefreshStore): SiblingStores {
  const takeLease = createTakeLease({ pool });
  const findConnection = createFindConnection({ pool });

  function notify(changed: GrantChanged | undefined): boolean {
    if (changed !== undefined) notifier.notify(channels.grantChanged, changed);
    return changed !== undefined;
  }

  return (name) => ({
    ...main,

    async find(grantId) {
      const found = await main.find(grantId);
      const grant = found && siblingAsGrant(found.grant, name);
      return found && grant && { ...found, grant };
    },

    async acquire(grantId, owner, leaseMs, version) {
      if (!isUuid(grantId)) return undefined;
      const row = await takeLease({ grantId, owner, leaseMs, version: version ?? null, sibling: name });
      if (row === undefined) return undefined;
      const whole = toGrant(row);
      const grant = siblingAsGrant(whole, name);
      const withdraw = (state: typeof whole) => releaseSibling(db, { grant: state }, owner, name);
      const found = await findConnection(row.connection_id).catch(async (error: unknown) => {
        // The caller gets no lease it could release. Best effort: the lease lapses by itself.
        await withdraw(grant ?? whole).catch(() => undefined);
        throw error;
      });
      if (grant === undefined || found === undefined) {
        await withdraw(grant ?? whole);
        return undefined;
      }
      const marks = { interrupted: grant.refreshStartedAt !== null, lapsed: row.earlier_lease_owner !== null };
      return { grant, ...found, ...marks };
    },

    // The refresh of the main token set was counted, and this one follows it.
    countOnDemand: async () => undefined,

    async release(leased, owner) {
      notify(await releaseSibling(db, leased, owner, name));
    },

    async save(base, owner, tokens, event) {
      return notify(await saveSibling(db, base, owner, tokens, event, name));
    },

    async fail(leased, owner, failure, event) {
      return notify(await failSibling(db, leased, owner, failure, event, name));
    },
  });
}
