import type { Kysely } from 'kysely';
import type { FleetReader } from '../../domain/ports/fleet.ts';
import type { Tables } from '../tables.ts';
import { createConnectionList } from './connection-list.ts';
import { createGrantList } from './grant-list.ts';
import { createStatsReader } from './stats.ts';

export function createFleetReader(db: Kysely<Tables>): FleetReader {
  return { ...createGrantList(db), ...createConnectionList(db), ...createStatsReader({ db }) };
}
