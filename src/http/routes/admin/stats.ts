import type { FastifyInstance } from 'fastify';
import type { ReadFleetStats } from '../../../broker/administration/read-fleet-stats.ts';
import * as routes from '../../contract/admin/stats.ts';
import { mount } from '../../mount.ts';
import { toFleetStats } from '../../schemas/admin/stats.ts';

export interface FleetStatsUseCases {
  readFleetStats: ReadFleetStats;
}

export function fleetStatsRoutes(app: FastifyInstance, { readFleetStats }: FleetStatsUseCases): void {
  mount(app, routes.getFleetStats, async ({ caller }) => toFleetStats(await readFleetStats(caller)));
}
