import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { KeyRotation, KeyRotationStore, RotationProgress } from '../../domain/ports/maintenance/key-rotation.ts';
import { appendAuditEvent } from '../audit-log.ts';
import type { KeyRotationsTable } from '../key-tables.ts';
import { channels } from '../notify/channels.ts';
import { notifyOnCommit } from '../notify/notifier.ts';
import type { Tables } from '../tables.ts';

/** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
const beginLock = '7203117461220328';

const rotationColumns = [
  'id',
  'encryption_key_id',
  'data_key_id',
  'state',
  'started_by',
  'started_at',
  'finished_at',
  'pass',
  'place',
  'cursor',
  'examined',
  'resealed',
  'contended',
  'unreadable',
] as const satisfies readonly (keyof KeyRotationsTable)[];
type RotationRow = Pick<Selectable<KeyRotationsTable>, (typeof rotationColumns)[number]>;

export function createKeyRotationStore({ db }: { db: Kysely<Tables> }): KeyRotationStore {
  const owned = (id: string, owner: string) =>
    db
      .updateTable('key_rotations')
      .where('id', '=', id)
      .where('lease_owner', '=', owner)
      .where('finished_at', 'is', null);
  return {
    begin: ({ id, encryptionKeyId, startedBy, startedAt }, dataKey, event) =>
      db.transaction().execute(async (transaction) => {
        // A second request waits here, and then reads the rotation that the first one inserted.
        await sql`select pg_advisory_xact_lock(${beginLock}::bigint)`.execute(transaction);
        const active = await findActive(transaction);
        if (active !== undefined) return { rotation: toRotation(active), isNew: false };
        if (dataKey !== null) {
          await transaction
            .insertInto('data_keys')
            .values({
              id: dataKey.id,
              key_encryption_key_id: dataKey.keyEncryptionKeyId,
              wrapped: dataKey.wrapped,
              state: dataKey.state,
              canary: dataKey.canary,
              created_at: dataKey.createdAt,
            })
            .execute();
        }
        const row = await transaction
          .insertInto('key_rotations')
          .values({
            id,
            encryption_key_id: encryptionKeyId,
            data_key_id: dataKey?.id ?? null,
            state: 'distributing',
            started_by: startedBy,
            started_at: startedAt,
          })
          .returning(rotationColumns)
          .executeTakeFirstOrThrow();
        await appendAuditEvent(transaction, event);
        await announce(transaction);
        return { rotation: toRotation(row), isNew: true };
      }),

    async latest() {
      const row =
        (await findActive(db)) ??
        (await db
          .selectFrom('key_rotations')
          .select(rotationColumns)
          .orderBy('key_rotations.started_at', 'desc')
          .limit(1)
          .executeTakeFirst());
      return row && toRotation(row);
    },

    async claim(owner, leaseMs) {
      const row = await db
        .updateTable('key_rotations')
        .set({ lease_owner: owner, lease_until: until(leaseMs) })
        .where('finished_at', 'is', null)
        .where((eb) =>
          eb.or([eb('lease_owner', '=', owner), sql<boolean>`coalesce(lease_until < clock_timestamp(), true)`]),
        )
        .returning(rotationColumns)
        .executeTakeFirst();
      return row && toRotation(row);
    },

    async save(id, owner, progress, leaseMs) {
      const { numUpdatedRows } = await owned(id, owner)
        .set({ ...toColumns(progress), lease_until: until(leaseMs) })
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },

    finish: (id, owner, event) =>
      db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('key_rotations')
          .set({ state: 'finished', finished_at: sql`clock_timestamp()`, place: null, cursor: null, lease_until: null })
          .where('id', '=', id)
          .where('lease_owner', '=', owner)
          .where('finished_at', 'is', null)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) await appendAuditEvent(transaction, event);
      }),

    async release(id, owner) {
      await owned(id, owner).set({ lease_until: null }).execute();
    },

    async storeWrapping({ id, wrapped: held }, { keyEncryptionKeyId, wrapped }) {
      await db
        .updateTable('data_keys')
        .set({ key_encryption_key_id: keyEncryptionKeyId, wrapped })
        .where('id', '=', id)
        .where(sql<boolean>`wrapped = ${held}::bytea`)
        .execute();
    },

    promote: (dataKeyId) =>
      db.transaction().execute(async (transaction) => {
        await transaction
          .updateTable('data_keys')
          .set({ state: 'opening', sealed_until: sql`clock_timestamp()` })
          .where('state', '=', 'sealing')
          .where('id', '!=', dataKeyId)
          .execute();
        await transaction.updateTable('data_keys').set({ state: 'sealing' }).where('id', '=', dataKeyId).execute();
        await announce(transaction);
      }),

    removeDataKey: (id, abandoned, event) =>
      db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('data_keys')
          .where('id', '=', id)
          .where('state', '=', 'opening')
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        if (abandoned.length > 0) {
          await transaction
            .deleteFrom('key_holders')
            .where('id', 'in', [...abandoned])
            .execute();
        }
        await appendAuditEvent(transaction, event);
        await announce(transaction);
        return true;
      }),
  };
}

async function announce(transaction: Transaction<Tables>): Promise<void> {
  await notifyOnCommit(channels.keysChanged, {}).execute(transaction);
}

function findActive(db: Kysely<Tables>): Promise<RotationRow | undefined> {
  return db.selectFrom('key_rotations').select(rotationColumns).where('finished_at', 'is', null).executeTakeFirst();
}

function until(leaseMs: number) {
  return sql<Date>`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;
}

function toColumns({ state, pass, place, cursor, examined, resealed, contended, unreadable }: RotationProgress) {
  return { state, pass, place, cursor, examined, resealed, contended, unreadable };
}

function toRotation(row: RotationRow): KeyRotation {
  return {
    ...toColumns(row),
    id: row.id,
    encryptionKeyId: row.encryption_key_id,
    dataKeyId: row.data_key_id,
    startedBy: row.started_by,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
