import type { Kysely } from 'kysely';
import type { FleetReader } from '../../domain/ports/fleet.ts';
import type { Tables } from '../tables.ts';
import { createConnectionList } from './connection-list.ts';
import { createForecastReader } from './forecast.ts';
import { createGrantList } from './grant-list.ts';
import { createNeedsReader } from './needs.ts';
import { createStatsReader } from './stats.ts';

export function createFleetReader(db: Kysely<Tables>): FleetReader {
  return {
    ...createGrantList(db),
    ...createConnectionList(db),
    ...createStatsReader({ db }),
    ...createNeedsReader({ db }),
    ...createForecastReader({ db }),
  };
}
