import type { Kysely } from 'kysely';
import type { GrantReadings } from '../../domain/ports/monitoring/readings.ts';
import type { Tables } from '../tables.ts';
import { foldFleetIfMany, readCounts } from './counts.ts';

export type ReadGrantReadings = () => Promise<GrantReadings>;

/** Reads the grants of the installation by status from the maintained counts, whose number does not grow with them. */
export function createReadGrantReadings({ db }: { db: Kysely<Tables> }): ReadGrantReadings {
  return async () => {
    await foldFleetIfMany(db);
    const byStatus = new Map<string, GrantReadings['byStatus'][number]>();
    let needingPerson = 0;
    for (const { status, reason, nextAction, grants } of await readCounts(db, { kind: 'all' })) {
      const key = `${status} ${reason}`;
      byStatus.set(key, { status, reason, count: grants + (byStatus.get(key)?.count ?? 0) });
      if (nextAction === 'authorize') needingPerson += grants;
    }
    return { byStatus: [...byStatus.values()], needingPerson };
  };
}
