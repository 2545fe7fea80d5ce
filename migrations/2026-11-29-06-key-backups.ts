import { type Kysely, sql } from 'kysely';

/** Adds what administrators have confirmed: that a copy of a key-encryption key lies elsewhere. */
export async function up(db: Kysely<any>): Promise<void> {
  // One row for each id of ENCRYPTION_KEYS, never removed: a later confirmation replaces the earlier one.
  await sql`
    create table key_backups (
      key_id text collate "C" primary key check (key_id <> ''),
      confirmed_at timestamptz(3) not null,
      confirmed_by text not null
    )`.execute(db);
}
