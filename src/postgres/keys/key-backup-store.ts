import type { Kysely } from 'kysely';
import type { KeyBackup, KeyBackupStore } from '../../domain/ports/keys.ts';
import { appendAuditEvent } from '../audit-log.ts';
import type { Tables } from '../tables.ts';

export function createKeyBackupStore({ db }: { db: Kysely<Tables> }): KeyBackupStore {
  return {
    async list(keyIds) {
      if (keyIds.length === 0) return [];
      const rows = await db
        .selectFrom('key_backups')
        .select(['key_id', 'confirmed_at', 'confirmed_by'])
        .where('key_id', 'in', keyIds)
        .execute();
      return rows.map(
        (row): KeyBackup => ({ keyId: row.key_id, confirmedAt: row.confirmed_at, confirmedBy: row.confirmed_by }),
      );
    },

    confirm: ({ keyId, confirmedAt, confirmedBy }, event) =>
      db.transaction().execute(async (transaction) => {
        const confirmed = { confirmed_at: confirmedAt, confirmed_by: confirmedBy };
        await transaction
          .insertInto('key_backups')
          .values({ key_id: keyId, ...confirmed })
          .onConflict((conflict) => conflict.column('key_id').doUpdateSet(confirmed))
          .execute();
        await appendAuditEvent(transaction, event);
      }),
  };
}
