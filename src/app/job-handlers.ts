import type { Logger } from 'pino';
import type { Broker } from '../broker/assembly/create-broker.ts';
import type { Config } from '../config.ts';
import type { JobHandlers } from '../jobs/run-job.ts';
import type { Intervals } from '../jobs/schedules.ts';
import { logAuditMaintenance } from './open-fetch-audit.ts';

const expiryCheckEveryMs = 60 * 60_000;
const auditMaintenanceEveryMs = 24 * 60 * 60_000;
/** Also the delay of the first repetition. */
const revocationEveryMs = 60_000;

export function jobIntervals({ refresh, healthCheckIntervalMs }: Config): Intervals {
  return {
    sweep: refresh.intervalMs,
    health: healthCheckIntervalMs,
    expiry: expiryCheckEveryMs,
    audit: auditMaintenanceEveryMs,
    revocation: revocationEveryMs,
  };
}

/** Maps jobs to use cases and logs their results. `broker` is a function because the broker needs the queue first. */
export function createJobHandlers(broker: () => Broker, log: Logger): JobHandlers {
  return {
    sweep: async (signal, onDemand) => {
      const swept = await broker().sweepDueGrants(signal, { onDemand });
      if (swept === null) log.info('sweep skipped');
      else log.info({ ...swept }, 'sweep finished');
      await broker().foldFleetCounts();
      await broker().foldHealthCounts();
    },
    // A failed call has a warning of its own; these lines also report grants that were held back.
    refresh: async (grantId, sweepId) => {
      const { kind } = await broker().refreshDueGrant(grantId, sweepId);
      if (kind !== 'fresh') log.debug({ grant_id: grantId, result: kind }, 'grant not refreshed');
    },
    refreshAhead: async (grantId, version) => {
      const { kind } = await broker().refreshAhead(grantId, version);
      if (kind !== 'fresh') log.debug({ grant_id: grantId, result: kind }, 'grant not refreshed ahead of expiry');
    },
    checkHealth: async (signal) => log.info(await broker().checkHealth(signal), 'health checks finished'),
    runHealthChecks: async (signal) => {
      const run = await broker().runHealthChecks(signal);
      if (run === null) return;
      const { id, healthy, unhealthy, skipped } = run;
      log.info({ run_id: id, healthy, unhealthy, skipped }, 'health run finished');
    },
    warnOfExpiry: async (signal) =>
      log.info({ warnings: await broker().warnOfExpiry(signal) }, 'expiry warnings finished'),
    // Usually nothing is pending, and this runs every minute.
    revokePending: async (signal) => {
      const discarded = await broker().discardUnconfirmed(signal);
      if (discarded > 0) log.info({ discarded }, 'unconfirmed authorizations discarded');
      const { given_up, ...done } = await broker().revokePending(signal);
      const attempts = done.confirmed + done.unsupported + done.postponed + given_up;
      if (attempts > 0) log.info({ ...done, given_up }, 'pending revocations attempted');
    },
    maintainAudit: async () => logAuditMaintenance(await broker().maintainAudit(), log),
  };
}
