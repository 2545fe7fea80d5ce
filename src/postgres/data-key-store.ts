import { type Kysely, sql } from 'kysely';
import type { DataKeyStore } from '../domain/ports/keys.ts';
import type { Tables } from './tables.ts';

export function createDataKeyStore(deps: { db: Kysely<Tables> }): DataKeyStore {
  const { db } = deps;
  return {
    async list() {
      const rows = await db
        .selectFrom('data_keys')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        keyEncryptionKeyId: row.key_encryption_key_id,
        wrapped: row.wrapped,
        state: row.state,
        canary: row.canary,
        createdAt: row.created_at,
      }));
    },

    async insertFirst(key) {
      const { numAffectedRows } = await sql`
        insert into data_keys (id, key_encryption_key_id, wrapped, state, canary, created_at)
        select ${key.id}::uuid, ${key.keyEncryptionKeyId}, ${key.wrapped}::bytea, ${key.state}, ${key.canary}::bytea,
          ${key.createdAt}::timestamptz
        where not exists (select from data_keys)
        -- Two that found the table empty meet at the index that allows one sealing key.
        on conflict do nothing`.execute(db);
      return numAffectedRows === 1n;
    },

    async hasSealedData() {
      const { rows } = await sql<{ found: boolean }>`
        select exists (select from connections where sealed_client_secrets is not null)
          or exists (select from grants where sealed_tokens is not null)
          or exists (select from authorizations where sealed_verifier is not null) as found`.execute(db);
      return rows[0]?.found === true;
    },
  };
}
