import { type Kysely, type Selectable, sql } from 'kysely';
import type { DataKeyStore, DataKeyUse } from '../../domain/ports/keys.ts';
import { sealedPlaces } from '../../domain/ports/maintenance/key-rotation.ts';
import type { DataKeysTable } from '../key-tables.ts';
import type { Tables } from '../tables.ts';

const dataKeyColumns = [
  'id',
  'key_encryption_key_id',
  'wrapped',
  'state',
  'canary',
  'created_at',
  'seals',
  'sealed_until',
] as const satisfies readonly (keyof DataKeysTable)[];

function toDataKey(row: Selectable<DataKeysTable>): DataKeyUse {
  return {
    id: row.id,
    keyEncryptionKeyId: row.key_encryption_key_id,
    wrapped: row.wrapped,
    state: row.state,
    canary: row.canary,
    createdAt: row.created_at,
    seals: row.seals,
    sealedUntil: row.sealed_until,
  };
}

export function createDataKeyStore(deps: { db: Kysely<Tables> }): DataKeyStore {
  const { db } = deps;
  return {
    async list() {
      const rows = await db
        .selectFrom('data_keys')
        .select(dataKeyColumns)
        .orderBy('data_keys.created_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map(toDataKey);
    },

    async insertFirst(key) {
      const { numAffectedRows } = await sql`
        insert into data_keys (id, key_encryption_key_id, wrapped, state, canary, created_at)
        select ${key.id}::uuid, ${key.keyEncryptionKeyId}, ${key.wrapped}::bytea, ${key.state}, ${key.canary}::bytea,
          ${key.createdAt}::timestamptz
        where not exists (select from data_keys)
        -- Two processes may both find the table empty. The unique index on the sealing key lets only one insert.
        on conflict do nothing`.execute(db);
      return numAffectedRows === 1n;
    },

    async hasSealedData() {
      const places = sealedPlaces.map((place) => {
        const [table = '', column = ''] = place.split('.');
        return sql`exists (select from ${sql.table(table)} where ${sql.ref(column)} is not null)`;
      });
      const { rows } = await sql<{ found: boolean }>`select ${sql.join(places, sql` or `)} as found`.execute(db);
      return rows[0]?.found === true;
    },

    async addSeals(dataKeyId, seals) {
      await db
        .updateTable('data_keys')
        .set((eb) => ({ seals: eb('seals', '+', seals) }))
        .where('id', '=', dataKeyId)
        .execute();
    },
  };
}
