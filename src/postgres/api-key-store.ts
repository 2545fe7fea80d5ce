import { type Expression, type ExpressionBuilder, type Kysely, type Selectable, type SqlBool, sql } from 'kysely';
import type pg from 'pg';
import type { ApiKey } from '../domain/api-key.ts';
import type { Reach } from '../domain/caller.ts';
import type { ApiKeyStore } from '../domain/ports/callers.ts';
import { appendAuditEvent } from './audit-log.ts';
import { channels } from './channels.ts';
import { notifyOnCommit } from './notifier.ts';
import { queryPrepared } from './pool.ts';
import type { ApiKeysTable, Tables } from './tables.ts';

function toApiKey(row: Selectable<ApiKeysTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    permissions: row.permissions,
    organizations: row.organizations ?? '*',
    global: row.global,
    connections: row.connections,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}

/** Keys that reach no further than whoever asks. */
function within(reach: Reach) {
  return (eb: ExpressionBuilder<Tables, 'api_keys'>): Expression<SqlBool> => {
    const organizations =
      reach.organizations === '*' ? eb.lit(true) : sql<boolean>`organizations <@ ${[...reach.organizations]}::text[]`;
    return reach.global ? eb.and([organizations]) : eb.and([organizations, eb('global', '=', false)]);
  };
}

export function createApiKeyStore(deps: { db: Kysely<Tables>; pool: pg.Pool }): ApiKeyStore {
  const { db, pool } = deps;
  return {
    // Every request of a caller asks this. Columns by name: a prepared `select *` breaks in every open connection when a
    // migration adds one.
    async find(id) {
      const rows = await queryPrepared<Selectable<ApiKeysTable>>(pool, {
        name: 'api_key',
        text: `select id, name, secret_hash, permissions, organizations, global, connections, created_by, created_at,
          expires_at, last_used_at, revoked_at from api_keys where id = $1`,
        values: [id],
      });
      return rows[0] && toApiKey(rows[0]);
    },

    async insert(key) {
      await db
        .insertInto('api_keys')
        .values({
          id: key.id,
          name: key.name,
          secret_hash: key.secretHash,
          permissions: [...key.permissions],
          organizations: key.organizations === '*' ? null : [...key.organizations],
          global: key.global,
          connections: key.connections === null ? null : [...key.connections],
          created_by: key.createdBy,
          created_at: key.createdAt,
          expires_at: key.expiresAt,
          last_used_at: key.lastUsedAt,
          revoked_at: key.revokedAt,
        })
        .execute();
    },

    async list(reach) {
      const rows = await db
        .selectFrom('api_keys')
        .selectAll()
        .where(within(reach))
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(toApiKey);
    },

    async revoke(id, reach, now) {
      return db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('api_keys')
          .set({ revoked_at: now })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .where(within(reach))
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await notifyOnCommit(channels.apiKeyChanged, { api_key_id: id }).execute(transaction);
        return true;
      });
    },

    async touch(ids, now) {
      if (ids.length === 0) return;
      await db
        .updateTable('api_keys')
        // Batches of several processes arrive in any order.
        .set({ last_used_at: sql`greatest(last_used_at, ${now}::timestamptz)` })
        .where('id', 'in', [...ids])
        .execute();
    },

    appendAudit: (event) => appendAuditEvent(db, event),
  };
}
