import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { RefreshStore } from '../../domain/ports/engine.ts';
import type { GrantBase } from '../../domain/ports/spool.ts';
import { appendAuditEvent } from '../audit-log.ts';
import { isUuid } from '../driver/uuid.ts';
import { type GrantRow, grantColumns, lastErrorColumn, toGrant } from '../grants/grant-rows.ts';
import { channels, type GrantChanged } from '../notify/channels.ts';
import type { Notifier } from '../notify/notifier.ts';
import type { Tables } from '../tables.ts';
import { createClientPauses } from './client-pauses.ts';
import { createFindConnection } from './find-connection.ts';
import { createTakeLease, releasedLease } from './lease.ts';
import { onDemandStatement } from './on-demand-refreshes.ts';
import { createSaveRefreshed } from './save-refreshed.ts';
import { saveSibling } from './sibling-writes.ts';

export interface LeaseKeeper {
  /**
   * Ends the leases of all owners with this prefix: those of an earlier incarnation of this process. Keeps their
   * intents, because a request may have been sent. Leaves those of the grants in `kept`. Returns the number of leases.
   */
  voidLeases(ownerPrefix: string, kept?: readonly string[]): Promise<number>;
}

const grantChanged = ['id as grant_id', 'connection_id', 'organization_id', 'subject'] as const;

export interface RefreshStoreDeps {
  db: Kysely<Tables>;
  /** The pool that `db` uses, for prepared statements. */
  pool: pg.Pool;
  notifier: Notifier;
}

export function createRefreshStore(deps: RefreshStoreDeps): RefreshStore & LeaseKeeper {
  const { db, pool, notifier } = deps;
  const takeLease = createTakeLease({ pool });
  const saveRefreshed = createSaveRefreshed({ pool });
  const findConnection = createFindConnection({ pool });

  async function withConnection(row: GrantRow | undefined) {
    const found = row && (await findConnection(row.connection_id));
    return row && found && { grant: toGrant(row), ...found };
  }

  function notify(changed: GrantChanged | undefined): boolean {
    if (changed !== undefined) notifier.notify(channels.grantChanged, changed);
    return changed !== undefined;
  }

  // Restores the intent that acquire found. A changed version means the token was replaced, so the intent is cleared.
  async function release(base: Pick<GrantBase, 'id' | 'version'>, owner: string, intent: Date | null): Promise<void> {
    const row = await db
      .updateTable('grants')
      .set({
        lease_owner: null,
        lease_until: null,
        refresh_started_at: sql<Date | null>`case when version = ${base.version} then ${intent}::timestamptz end`,
      })
      .where('id', '=', base.id)
      .where('lease_owner', '=', owner)
      .returning(grantChanged)
      .executeTakeFirst();
    notify(row);
  }

  /** Ends a write by version. If the version has changed, the holder still has its lease, so it is released here. */
  async function finish(written: GrantChanged | undefined, base: GrantBase, owner: string): Promise<boolean> {
    if (notify(written)) return true;
    await release(base, owner, null);
    return false;
  }

  return {
    async find(grantId) {
      if (!isUuid(grantId)) return undefined;
      const found = await withConnection(
        await db.selectFrom('grants').select(grantColumns).where('id', '=', grantId).executeTakeFirst(),
      );
      return found && { grant: found.grant, connection: found.connection };
    },

    async acquire(grantId, owner, leaseMs, version) {
      if (!isUuid(grantId)) return undefined;
      const row = await takeLease({ grantId, owner, leaseMs, version: version ?? null, sibling: null });
      if (row === undefined) return undefined;
      const found = await withConnection(row).catch(async (error: unknown) => {
        // The caller gets no lease it could release. Best effort: the lease lapses by itself.
        await release(row, owner, row.refresh_started_at).catch(() => undefined);
        throw error;
      });
      const marks = { interrupted: row.refresh_started_at !== null, lapsed: row.earlier_lease_owner !== null };
      return found && { ...found, ...marks };
    },

    async countOnDemand(grantId, limit) {
      const { rows } = await onDemandStatement(grantId, limit).execute(db);
      return rows[0]?.wait_ms ?? undefined;
    },

    // Only the first report writes and notifies, however many callers send it.
    async reportToken({ id, version }) {
      const row = await db
        .updateTable('grants')
        .set({ reported_version: version })
        .where('id', '=', id)
        .where('version', '=', version)
        .where('reported_version', 'is distinct from', version)
        .returning(grantChanged)
        .executeTakeFirst();
      notify(row);
    },

    release: ({ grant }, owner) => release(grant, owner, grant.refreshStartedAt),

    async save(base, owner, tokens, event, sibling) {
      if (sibling !== undefined) return notify(await saveSibling(db, base, owner, tokens, event, sibling));
      return finish(await saveRefreshed({ base, owner, tokens, event }), base, owner);
    },

    async keepLease({ id, version }, owner, leaseMs) {
      await db
        .updateTable('grants')
        .set({ lease_until: sql<Date>`clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'` })
        .where('id', '=', id)
        .where('version', '=', version)
        .where('lease_owner', '=', owner)
        .execute();
    },

    async fail({ grant }, owner, failure, event) {
      const { failed, message, error = null, retryAt, keepIntent, run = 'grows', continues } = failure;
      const recorded = await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('grants')
          .set((eb) => ({
            ...releasedLease(owner),
            ...(failed === null ? {} : { status: 'failed' as const, status_reason: failed, status_message: message }),
            // Only the lease's owner may clear the intent: a later holder may have sent a request of its own.
            ...(keepIntent
              ? {}
              : {
                  refresh_started_at: sql<Date | null>`case when lease_owner = ${owner} then null else refresh_started_at end`,
                }),
            ...(error !== null && { last_error: lastErrorColumn(error) }),
            retry_at: retryAt,
            ...(run !== 'stays' && { consecutive_failures: eb('consecutive_failures', '+', 1) }),
            ...(run === 'grows' && { failing_since: eb.fn.coalesce('failing_since', eb.val(event.time)) }),
            ...(run === 'grows' &&
              continues !== undefined && {
                consecutive_failures: continues.consecutiveFailures + 1,
                failing_since: continues.failingSince ?? event.time,
              }),
            ...(run === 'restarts' && { failing_since: event.time }),
            updated_at: event.time,
          }))
          .where('id', '=', grant.id)
          .where('version', '=', grant.version)
          .returning(grantChanged)
          .executeTakeFirst();
        if (row !== undefined) await appendAuditEvent(transaction, event);
        return row;
      });
      return finish(recorded, grant, owner);
    },

    ...createClientPauses({ db }),

    async voidLeases(ownerPrefix, kept = []) {
      const rows = await db
        .updateTable('grants')
        .set({ lease_owner: null, lease_until: null })
        .where((eb) => eb.fn<boolean>('starts_with', ['lease_owner', eb.val(ownerPrefix)]))
        .where(sql<boolean>`id <> all(${kept}::uuid[])`)
        .returning(grantChanged)
        .execute();
      for (const row of rows) notify(row);
      return rows.length;
    },
  };
}
