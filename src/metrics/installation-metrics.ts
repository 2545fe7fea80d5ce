import { type GrantReadings, jobStates, type MonitoredState } from '../domain/ports/monitoring/readings.ts';
import type { Latest } from './latest.ts';
import { type Metrics, one, type Series } from './registry.ts';

type Read<K extends 'workers' | 'lastSweep' | 'backlog' | 'queues'> = Latest<Awaited<ReturnType<MonitoredState[K]>>>;

export function registerSweeps(metrics: Metrics, work: Read<'workers'>, last: Read<'lastSweep'>): void {
  metrics.gauge({ name: 'token_broker_workers', help: 'Live workers of the installation.' }, () =>
    one(work.value()?.workers),
  );
  metrics.gauge(
    {
      name: 'token_broker_last_sweep_end_timestamp_seconds',
      help: 'Time at which the latest sweep ended, in seconds since 1970. Absent before the first.',
    },
    () => one(seconds(work.value()?.lastSweepAt)),
  );
  metrics.gauge(
    {
      name: 'token_broker_last_sweep_start_timestamp_seconds',
      help: 'Time at which the latest sweep began, in seconds since 1970. Absent before the first.',
    },
    () => one(seconds(last.value()?.startedAt)),
  );
  metrics.gauge(
    {
      name: 'token_broker_last_sweep_duration_seconds',
      help: 'Duration of the sweep that began last. Absent while it runs and if it broke off.',
    },
    () => {
      const sweep = last.value();
      if (sweep === null || sweep.finishedAt === null) return [];
      return one((sweep.finishedAt.getTime() - sweep.startedAt.getTime()) / 1000);
    },
  );
  metrics.gauge(
    {
      name: 'token_broker_last_sweep_state',
      help: 'State of the sweep that began last: 1 for the state it is in.',
      labels: ['state'],
    },
    () => {
      const sweep = last.value();
      if (sweep === null) return [];
      const current = sweep.finishedAt !== null ? 'finished' : sweep.isRunning ? 'running' : 'broken_off';
      return ['finished', 'running', 'broken_off'].map((state) => [[state], state === current ? 1 : 0]);
    },
  );
  metrics.gauge(
    {
      name: 'token_broker_last_sweep_grants',
      help: 'Grants of the sweep that began last: found due, enqueued, and by the result of their refresh.',
      labels: ['result'],
    },
    () => {
      const sweep = last.value();
      if (sweep === null) return [];
      const { found, enqueued, refreshed, failed, skipped } = sweep;
      return Object.entries({ found, enqueued, refreshed, failed, skipped }).map(([name, count]) => [[name], count]);
    },
  );
}

export function registerGrants(metrics: Metrics, grants: Latest<GrantReadings>, backlog: Read<'backlog'>): void {
  metrics.gauge(
    {
      name: 'token_broker_grants',
      help: 'Grants of the installation by status and status_reason. Up to a minute old.',
      labels: ['status', 'reason'],
    },
    () => countsByStatus(grants.value()),
  );
  metrics.gauge(
    {
      name: 'token_broker_grants_needing_person',
      help: 'Grants that only a person can connect again. Up to a minute old.',
    },
    () => one(grants.value()?.needingPerson),
  );
  metrics.gauge(
    {
      name: 'token_broker_grants_due',
      help: 'Grants that are due by the rules of the sweep, counted up to 10,000. Up to a minute old.',
    },
    () => one(backlog.value()?.due),
  );
  metrics.gauge(
    {
      name: 'token_broker_refresh_lag_seconds',
      help: 'Time since the oldest expiry of an access token that should have been refreshed; 0 if there is none.',
    },
    () => one(backlog.value()?.overdueSeconds),
  );
}

function countsByStatus(counts: GrantReadings | null): Series[] {
  if (counts === null) return [];
  const shown = counts.byStatus.map(({ status, reason, count }): Series => [[status, reason ?? 'none'], count]);
  // An installation without grants shows a count of 0, which differs from an unknown count.
  return shown.length === 0 ? [[['completed', 'none'], 0]] : shown;
}

export function registerJobs(metrics: Metrics, queues: Read<'queues'>): void {
  metrics.gauge(
    {
      name: 'token_broker_jobs',
      help: 'Jobs in the queue of the installation, by queue and state.',
      labels: ['queue', 'state'],
    },
    () =>
      (queues.value() ?? []).flatMap(({ queue, jobs }) =>
        jobStates.map((state): Series => [[queue, state], jobs[state]]),
      ),
  );
}

function seconds(date: Date | null | undefined): number | null {
  return date ? date.getTime() / 1000 : null;
}
