import type { Logger } from 'pino';
import type { Broker } from '../broker/create-broker.ts';
import type { JobHandlers } from '../jobs/run-job.ts';

/** What the jobs do and say. The broker comes late: it hands work to the same queue. */
export function createJobHandlers(broker: () => Broker, log: Logger): JobHandlers {
  return {
    sweep: async (signal) => {
      const swept = await broker().sweepDueGrants(signal);
      log.info({ ...swept }, swept === null ? 'sweep: another one just ran' : 'sweep: due grants were queued');
    },
    refresh: async (grantId, sweepId) => {
      const { kind } = await broker().refreshDueGrant(grantId, sweepId);
      if (kind !== 'fresh') log.warn({ grant_id: grantId, result: kind }, 'a due grant was not refreshed');
    },
    refreshAhead: async (grantId, version) => {
      const { kind } = await broker().refreshAhead(grantId, version);
      if (kind !== 'fresh') log.warn({ grant_id: grantId, result: kind }, 'a grant in use was not refreshed in time');
    },
    checkHealth: async (signal) => log.info(await broker().checkHealth(signal), 'health: connections were checked'),
    forecast: async (signal) => log.info({ warnings: await broker().forecastExpiries(signal) }, 'forecast: done'),
  };
}
