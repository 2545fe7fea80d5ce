import { type RawBuilder, sql } from 'kysely';
import type { Tables } from '../tables.ts';

/** Tables that are filled and emptied like queues, with ids in the order of their insertion. */
type QueueTable = keyof Pick<Tables, 'fleet_count_changes' | 'health_count_changes'>;

const lastId = '9223372036854775807';

/**
 * Selects the oldest rows of a table, at most `limit`, by a range of ids. With a list of ids, a planner that takes the
 * table for empty joins each row with each: 30,000 rows then take longer than a statement may.
 */
export function areOldest(table: QueueTable, limit: number): RawBuilder<boolean> {
  return sql<boolean>`id <= coalesce(
    (select id from ${sql.table(table)} order by id offset ${limit - 1} limit 1), ${sql.lit(lastId)}::bigint)`;
}
