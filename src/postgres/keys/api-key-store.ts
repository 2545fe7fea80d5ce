import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import { type ApiKey, callerIdOf, keyIdOf } from '../../domain/callers/api-key.ts';
import type { Reach } from '../../domain/callers/caller.ts';
import type { ApiKeyStore, KeyRevocation } from '../../domain/ports/callers.ts';
import { appendAuditEvent } from '../audit-log.ts';
import { columnsText } from '../columns.ts';
import { queryPrepared } from '../driver/query-prepared.ts';
import { channels } from '../notify/channels.ts';
import { notifyOnCommit } from '../notify/notifier.ts';
import type { Tables } from '../tables.ts';
import { type ApiKeyRow, apiKeyColumns, toApiKey, toRow } from './api-key-rows.ts';

/** Matches keys whose reach does not exceed the caller's. */
function within(reach: Reach) {
  return (eb: ExpressionBuilder<Tables, 'api_keys'>): Expression<SqlBool> => {
    const organizations =
      reach.organizations === '*' ? eb.lit(true) : sql<boolean>`organizations <@ ${[...reach.organizations]}::text[]`;
    return reach.global ? eb.and([organizations]) : eb.and([organizations, eb('global', '=', false)]);
  };
}

/**
 * Locks the key that makes another one. A cascade that revokes it waits for the new key, or this finds it revoked. Returns
 * false if it is revoked.
 */
async function lockMaker(transaction: Transaction<Tables>, { createdBy }: ApiKey): Promise<boolean> {
  const makerId = keyIdOf(createdBy);
  if (makerId === null) return true;
  const maker = await transaction
    .selectFrom('api_keys')
    .select('revoked_at')
    .where('id', '=', makerId)
    .forShare()
    .executeTakeFirst();
  return maker !== undefined && maker.revoked_at === null;
}

async function revokeChain(
  transaction: Transaction<Tables>,
  id: string,
  { reach, cascade, now, eventOf }: KeyRevocation,
): Promise<ApiKey[]> {
  const revoke = async (ids: readonly string[]) => {
    const rows = await transaction
      .updateTable('api_keys')
      .set({ revoked_at: now })
      .where('id', 'in', [...ids])
      .where('revoked_at', 'is', null)
      .returning(apiKeyColumns)
      .execute();
    return rows.map(toApiKey);
  };
  const root = await transaction
    .selectFrom('api_keys')
    .select('id')
    .where('id', '=', id)
    .where(within(reach))
    .forUpdate()
    .executeTakeFirst();
  if (root === undefined) return [];
  const revoked = await revoke([id]);
  // A key that is being made below a key of the chain commits before that key's row lock, so the next round finds it.
  for (let below = cascade ? await activeBelow(transaction, id) : []; below.length > 0; ) {
    revoked.push(...(await revoke(below)));
    below = await activeBelow(transaction, id);
  }
  for (const key of revoked) {
    await appendAuditEvent(transaction, eventOf(key));
    await notifyOnCommit(channels.apiKeyChanged, { api_key_id: key.id }).execute(transaction);
  }
  return revoked;
}

/** Finds the active keys below a key, also below one that was revoked earlier. */
async function activeBelow(transaction: Transaction<Tables>, id: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive below as (
      select id, revoked_at from api_keys where created_by = ${callerIdOf(id)}
      union
      select made.id, made.revoked_at from api_keys made join below on made.created_by = 'api_key:' || below.id
    )
    select id from below where revoked_at is null`.execute(transaction);
  return rows.map((row) => row.id);
}

/**
 * `pool` and `reservedDb` have a reserved connection: a revocation begins with the look-up of the caller's key, and must
 * not wait for queries of other work.
 */
export function createApiKeyStore(deps: {
  db: Kysely<Tables>;
  reservedDb: Kysely<Tables>;
  pool: Pick<pg.Pool, 'connect'>;
}): ApiKeyStore {
  const { db, reservedDb, pool } = deps;
  return {
    async find(id) {
      const rows = await queryPrepared<ApiKeyRow>(pool, {
        name: 'api_key',
        text: `select ${columnsText('api_keys', apiKeyColumns)} from api_keys where id = $1`,
        values: [id],
      });
      return rows[0] && toApiKey(rows[0]);
    },

    async insert(key, event) {
      return db.transaction().execute(async (transaction) => {
        if (!(await lockMaker(transaction, key))) return false;
        await transaction.insertInto('api_keys').values(toRow(key)).execute();
        await appendAuditEvent(transaction, event);
        return true;
      });
    },

    async list(reach) {
      const rows = await db
        .selectFrom('api_keys')
        .select(apiKeyColumns)
        .where(within(reach))
        .orderBy('api_keys.created_at')
        .orderBy('id')
        .execute();
      return rows.map(toApiKey);
    },

    async revoke(id, revocation) {
      return reservedDb.transaction().execute((transaction) => revokeChain(transaction, id, revocation));
    },

    async touch(ids, now) {
      if (ids.length === 0) return;
      await db
        .updateTable('api_keys')
        // greatest: batches of several processes arrive in any order.
        .set({ last_used_at: sql`greatest(last_used_at, ${now}::timestamptz)` })
        .where('id', 'in', [...ids])
        .execute();
    },
  };
}
