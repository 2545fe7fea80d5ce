import type { FastifyInstance } from 'fastify';
import type { ListSweeps } from '../../../broker/administration/list-sweeps.ts';
import type { RequestSweep } from '../../../broker/administration/request-sweep.ts';
import * as routes from '../../contract/admin/sweeps.ts';
import { mount } from '../../mount.ts';
import { fromRequestedSweep, fromSweep } from '../../schemas/admin/sweeps.ts';

export interface SweepUseCases {
  requestSweep: RequestSweep;
  listSweeps: ListSweeps;
}

export function sweepRoutes(app: FastifyInstance, { requestSweep, listSweeps }: SweepUseCases): void {
  mount(app, routes.requestSweep, async ({ caller, trace }) => fromRequestedSweep(await requestSweep(caller, trace)));

  mount(app, routes.listSweeps, async ({ query }) => {
    const sweeps = await listSweeps(query.limit);
    return { is_running: sweeps[0]?.isRunning === true, sweeps: sweeps.map(fromSweep) };
  });
}
