import { type RawBuilder, sql } from 'kysely';
import type { Reach } from '../../domain/callers/caller.ts';

/** Limits a look-up to owners within the reach. A row beyond it then takes the statements of a row that does not exist. */
export function isWithin({ organizations, global }: Reach, owner: RawBuilder<unknown>): RawBuilder<boolean> {
  const isListed = organizations === '*' ? sql`true` : sql`${owner} = any(${organizations}::text[])`;
  return sql<boolean>`case when ${owner} is null then ${global}::boolean else ${isListed} end`;
}
