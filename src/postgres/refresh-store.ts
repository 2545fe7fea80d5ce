import { type Kysely, type Selectable, sql } from 'kysely';
import type pg from 'pg';
import type { Connection } from '../domain/connection.ts';
import type { GrantWithConnection, RefreshStore } from '../domain/ports/engine.ts';
import type { GrantBase } from '../domain/ports/spool.ts';
import { announcingTransaction } from './announcing-transaction.ts';
import { appendAuditEvent } from './audit-log.ts';
import { channels, type Deliver, type GrantChanged } from './channels.ts';
import { toConnection } from './connection-rows.ts';
import { forcedRefreshStatement } from './forced-refreshes.ts';
import { createGathered } from './gathered.ts';
import { type GrantRow, toGrant } from './grant-rows.ts';
import { createTakeLease, givenBack } from './lease.ts';
import type { Notifier } from './notifier.ts';
import { isUuid } from './null-safe.ts';
import { queryPrepared } from './pool.ts';
import { createSaveRefreshed } from './save-refreshed.ts';
import type { ConnectionsTable, Tables } from './tables.ts';

export interface LeaseKeeper {
  /**
   * Ends the leases of owners whose name begins so: those of an earlier incarnation of this process. What they may have
   * sent stays marked. Answers how many.
   */
  voidLeases(ownerPrefix: string): Promise<number>;
}

const grantChanged = ['id as grant_id', 'connection_id', 'organization_id', 'subject'] as const;

export interface RefreshStoreDeps {
  db: Kysely<Tables>;
  /** The one below `db`. */
  pool: pg.Pool;
  notifier: Notifier;
  deliver: Deliver;
}

export function createRefreshStore(deps: RefreshStoreDeps): RefreshStore & LeaseKeeper {
  const { db, pool, notifier, deliver } = deps;
  const takeLease = createTakeLease({ pool });
  const saveRefreshed = createSaveRefreshed({ pool });
  const findConnection = createFindConnection({ pool });

  async function withConnection(row: GrantRow | undefined): Promise<GrantWithConnection | undefined> {
    const connection = row && (await findConnection(row.connection_id));
    return row && connection && { grant: toGrant(row), connection };
  }

  function announce(changed: GrantChanged | undefined): boolean {
    if (changed !== undefined) notifier.send(channels.grantChanged, changed);
    return changed !== undefined;
  }

  // The intent goes back to what it was; where the version moved, the token that may have been spent is no longer in use.
  async function giveBack(base: GrantBase, owner: string, intent: Date | null): Promise<void> {
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
    announce(row);
  }

  /** After a write by version. One that found the version moved still holds a lease that nobody else should wait for. */
  async function finish(written: GrantChanged | undefined, base: GrantBase, owner: string): Promise<boolean> {
    if (announce(written)) return true;
    await giveBack(base, owner, null);
    return false;
  }

  return {
    async find(grantId) {
      if (!isUuid(grantId)) return undefined;
      return withConnection(await db.selectFrom('grants').selectAll().where('id', '=', grantId).executeTakeFirst());
    },

    async acquire(grantId, owner, leaseMs, version) {
      if (!isUuid(grantId)) return undefined;
      const row = await takeLease({ grantId, owner, leaseMs, version: version ?? null });
      if (row === undefined) return undefined;
      const found = await withConnection(row);
      const marks = { interrupted: row.refresh_started_at !== null, lapsed: row.earlier_lease_owner !== null };
      return found && { ...found, ...marks };
    },

    async countForced(grantId, limit) {
      const { rows } = await forcedRefreshStatement(grantId, limit).execute(db);
      return rows[0]?.wait_ms ?? undefined;
    },

    release: ({ grant }, owner) => giveBack(grant, owner, grant.refreshStartedAt),

    async save(base, owner, tokens, event) {
      return finish(await saveRefreshed({ base, owner, tokens, event }), base, owner);
    },

    async fail({ grant }, owner, { failed, message, retryAt, keepIntent, run = 'grows' }, event) {
      const recorded = await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('grants')
          .set((eb) => ({
            ...givenBack(owner),
            ...(failed === null ? {} : { status: 'failed' as const, status_reason: failed, status_message: message }),
            // Another holder's intent is not ours to clear.
            ...(keepIntent
              ? {}
              : {
                  refresh_started_at: sql<Date | null>`case when lease_owner = ${owner} then null else refresh_started_at end`,
                }),
            retry_at: retryAt,
            ...(run !== 'stays' && { consecutive_failures: eb('consecutive_failures', '+', 1) }),
            ...(run === 'grows' && { failing_since: eb.fn.coalesce('failing_since', eb.val(event.time)) }),
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

    async failAllOf(connectionId, reason, message) {
      await announcingTransaction(db, deliver, async (transaction, tell) => {
        const connection = await transaction
          .selectFrom('connections')
          .select(['organization_id', 'name'])
          .where('id', '=', connectionId)
          .executeTakeFirst();
        if (connection === undefined) return;
        await transaction
          .updateTable('grants')
          .set({
            status: 'failed',
            status_reason: reason,
            status_message: message,
            retry_at: null,
            updated_at: sql<Date>`now()`,
          })
          .where('connection_id', '=', connectionId)
          .where('status', '=', 'completed')
          .execute();
        await tell(channels.connectionChanged, {
          connection_id: connectionId,
          organization_id: connection.organization_id,
          connection_name: connection.name,
        });
      });
    },

    async voidLeases(ownerPrefix) {
      const rows = await db
        .updateTable('grants')
        .set({ lease_owner: null, lease_until: null })
        .where((eb) => eb.fn<boolean>('starts_with', ['lease_owner', eb.val(ownerPrefix)]))
        .returning(grantChanged)
        .execute();
      for (const row of rows) announce(row);
      return rows.length;
    },
  };
}

/** Grants that are read together get one object between them. */
function createFindConnection({ pool }: { pool: pg.Pool }) {
  return createGathered<string, Connection>(async (ids) => {
    const rows = await queryPrepared<Selectable<ConnectionsTable>>(pool, {
      name: 'connections_by_id',
      text: 'select * from connections where id = any($1::uuid[])',
      values: [[...new Set(ids)]],
    });
    const byId = new Map(rows.map((row) => [row.id, toConnection(row)]));
    return ids.map((id) => byId.get(id));
  });
}
