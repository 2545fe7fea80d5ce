import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from '../tables.ts';

/** Changes added to the counts in one transaction, about 100 ms. A larger number delays the next process that folds. */
const foldedTogether = 20_000;
/** Transactions of one call. The rest waits for the next call. */
const maxFolds = 10;
/** Changes that are read with the counts. More of them are folded first. */
const fewChanges = 10_000;
const lastId = '9223372036854775807';

/** Counts that are kept as rows, beside changes that are not yet added to them. */
export interface FoldedCounts {
  /** Holds the changes, with ids in the order of their insertion. */
  changes: keyof Pick<Tables, 'fleet_count_changes' | 'health_count_changes'>;
  /** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
  lock: string;
  /** Writes the statement that deletes the changes within `batch`, adds them to the counts, and returns their number. */
  fold(batch: RawBuilder<boolean>): RawBuilder<{ changes: number }>;
}

/** Adds changes to the counts, oldest first, until few are left. */
export async function foldChanges(db: Kysely<Tables>, counts: FoldedCounts): Promise<void> {
  for (let folds = 0; folds < maxFolds; folds++) {
    if ((await foldSome(db, counts)) < foldedTogether) return;
  }
}

/** Folds only if reading the counts would otherwise read many changes: no worker has folded them. */
export async function foldIfMany(db: Kysely<Tables>, counts: FoldedCounts): Promise<void> {
  const { rows } = await sql<{ many: boolean }>`
    select exists (select from ${sql.table(counts.changes)} order by id offset ${fewChanges} limit 1) as many`.execute(
    db,
  );
  if (rows[0]?.many === true) await foldChanges(db, counts);
}

/** Returns the number of changes. 0 if another process folds at this moment. */
async function foldSome(db: Kysely<Tables>, { changes, lock, fold }: FoldedCounts): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${lock}::bigint) as locked`.execute(transaction);
    if (locks[0]?.locked !== true) return 0;
    const { rows } = await fold(areOldest(changes)).execute(transaction);
    return rows[0]?.changes ?? 0;
  });
}

/**
 * Selects the oldest changes by a range of ids. With a list of ids, a planner that takes the table for empty joins each
 * row with each: 30,000 rows then take longer than a statement may.
 */
function areOldest(table: FoldedCounts['changes']): RawBuilder<boolean> {
  return sql<boolean>`id <= coalesce(
    (select id from ${sql.table(table)} order by id offset ${foldedTogether - 1} limit 1), ${sql.lit(lastId)}::bigint)`;
}
