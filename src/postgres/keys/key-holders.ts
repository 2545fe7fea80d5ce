import { type Kysely, sql } from 'kysely';
import type { KeyHolderStore } from '../../domain/ports/maintenance/key-rotation.ts';
import type { Tables } from '../tables.ts';

/**
 * Silence in milliseconds after which a process counts as ended. It must exceed several reports: a rotation no longer
 * waits for an ended process.
 */
const silentForMs = 45_000;

export function createKeyHolderStore({ db }: { db: Kysely<Tables> }): KeyHolderStore {
  return {
    async report({ id, host, encryptionKeyIds, dataKeyIds, sealingKeyId, spooledKeyIds }) {
      const columns = {
        host,
        encryption_key_ids: encryptionKeyIds,
        data_key_ids: dataKeyIds,
        sealing_key_id: sealingKeyId,
        spooled_key_ids: spooledKeyIds,
        seen_at: sql<Date>`clock_timestamp()`,
      };
      await db
        .insertInto('key_holders')
        .values({ id, ...columns })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
        .execute();
    },

    async remove(id) {
      await db.deleteFrom('key_holders').where('id', '=', id).execute();
    },

    async list() {
      const rows = await db
        .selectFrom('key_holders')
        .select(['id', 'host', 'encryption_key_ids', 'data_key_ids', 'sealing_key_id', 'spooled_key_ids', 'seen_at'])
        .select(sql<boolean>`seen_at > clock_timestamp() - ${silentForMs} * interval '1 millisecond'`.as('is_live'))
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        host: row.host,
        encryptionKeyIds: row.encryption_key_ids,
        dataKeyIds: row.data_key_ids,
        sealingKeyId: row.sealing_key_id,
        spooledKeyIds: row.spooled_key_ids,
        seenAt: row.seen_at,
        isLive: row.is_live,
      }));
    },
  };
}
