import { type Kysely, sql } from 'kysely';

/**
 * Adds the rotation of keys: counts of seals, the keys that each process holds, and the progress of re-sealing.
 */
export async function up(db: Kysely<any>): Promise<void> {
  await extendDataKeys(db);
  await createKeyHolders(db);
  await createKeyRotations(db);
}

// Counts are numeric: the stores read a bigint as an instant.

async function extendDataKeys(db: Kysely<any>): Promise<void> {
  // A new key is introduced first: every process can open values under it before any process seals with it.
  await sql`
    alter table data_keys
      drop constraint data_keys_state_check,
      add constraint data_keys_state_check check (state in ('introduced', 'sealing', 'opening')),
      add column seals numeric(18, 0) not null default 0 check (seals >= 0),
      add column sealed_until timestamptz(3)`.execute(db);
}

async function createKeyHolders(db: Kysely<any>): Promise<void> {
  // One row for each data directory instance. The row of a process that was killed stays until its spool is recovered:
  // a spooled token set opens only under the data key that sealed it.
  await sql`
    create table key_holders (
      id text collate "C" primary key,
      host text not null,
      encryption_key_ids text[] not null,
      data_key_ids uuid[] not null,
      sealing_key_id uuid,
      spooled_key_ids uuid[] not null,
      seen_at timestamptz(3) not null default clock_timestamp()
    )`.execute(db);
}

async function createKeyRotations(db: Kysely<any>): Promise<void> {
  await sql`
    create table key_rotations (
      id uuid primary key,
      encryption_key_id text not null,
      -- The new data key. Null: the rotation only wraps the data keys anew.
      data_key_id uuid,
      state text not null check (state in ('distributing', 'resealing', 'finished')),
      started_by text not null,
      started_at timestamptz(3) not null,
      finished_at timestamptz(3),
      pass integer not null default 0,
      -- Position of the pass: the sealed column, and the primary key of the last row that was examined.
      place text,
      cursor text,
      examined numeric(18, 0) not null default 0,
      resealed numeric(18, 0) not null default 0,
      -- Of the current pass: values that were locked or written meanwhile, and values that do not open.
      contended numeric(18, 0) not null default 0,
      unreadable numeric(18, 0) not null default 0,
      lease_owner text,
      lease_until timestamptz(3),
      check ((state = 'finished') = (finished_at is not null))
    )`.execute(db);
  // Also serves the search for the active rotation.
  await sql`create unique index key_rotations_active on key_rotations ((true)) where finished_at is null`.execute(db);
  await sql`create index key_rotations_started on key_rotations (started_at)`.execute(db);
}
