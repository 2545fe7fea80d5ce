import { z } from 'zod';
import type { ListSweeps } from '../../broker/administration/list-sweeps.ts';
import type { ReadAttention } from '../../broker/administration/overview/read-attention.ts';
import type { ReadQueue } from '../../broker/administration/overview/read-queue.ts';
import type { ReadHealthStats } from '../../broker/administration/read-health-stats.ts';
import type { RequestHealthRun } from '../../broker/administration/request-health-run.ts';
import type { RequestSweep } from '../../broker/administration/request-sweep.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { optionalText } from '../server/forms.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { type BackgroundWork, sweepsPage } from './sweeps-page.ts';

export interface SweepPageUseCases {
  listSweeps: ListSweeps;
  requestSweep: RequestSweep;
  requestHealthRun: RequestHealthRun;
  readHealthStats: ReadHealthStats;
  readQueue: ReadQueue;
  readAttention: ReadAttention;
}

const sweepsShown = 20;

export function sweepsPages(pages: Pages, useCases: SweepPageUseCases): void {
  pages.mount(
    { method: 'GET', path: '/sweeps', access: accessOf.listSweeps, query: z.object({ done: optionalText }) },
    async (visit, { query }) => ({
      title: 'Sweeps and queue',
      section: 'sweeps',
      body: sweepsPage(visit, await readWork(useCases, visit), query.done),
    }),
  );
  pages.mount({ method: 'POST', path: '/sweeps/run', access: accessOf.requestSweep }, async ({ caller, trace }) => {
    const { state } = await useCases.requestSweep(caller, trace);
    return { seeOther: `/console/sweeps?done=sweep_${state}` };
  });
  pages.mount(
    { method: 'POST', path: '/sweeps/check-all', access: accessOf.requestHealthRun },
    async ({ caller, trace }) => {
      await useCases.requestHealthRun(caller, trace);
      return { seeOther: '/console/sweeps?done=check_requested' };
    },
  );
}

/** Reads one after the other: a page must not take several connections of the pool at once. */
async function readWork(useCases: SweepPageUseCases, { caller }: Visit): Promise<BackgroundWork> {
  const sweeps = await useCases.listSweeps(sweepsShown);
  const health = await useCases.readHealthStats(caller);
  const queue = await useCases.readQueue(caller);
  const { installation } = await useCases.readAttention(caller);
  return { sweeps, health, queue, installation };
}
