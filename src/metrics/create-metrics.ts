import { collectDefaultMetrics } from '@prometheus-io/client';
import type { MonitoredState, ReadMetrics } from '../domain/ports/monitoring/readings.ts';
import { type ClosedSets, type EventMetrics, registerEventMetrics } from './event-metrics.ts';
import { createRegistry } from './registry.ts';
import { registerStateMetrics } from './state-metrics.ts';

export interface ProcessMetrics extends EventMetrics {
  readMetrics: ReadMetrics;
  /** Adds the states that are read at each scrape. Called once, when the parts that have them exist. */
  watch(state: MonitoredState): void;
}

/**
 * Metrics of the client library whose names break the conventions. nodejs_active_handles and its kin, and
 * nodejs_eventloop_lag_seconds, say the same.
 */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];
/** Milliseconds between measurements for the utilization, which is left out. The library would measure every 100. */
const utilizationEveryMs = 24 * 60 * 60_000;

/** Creates the metrics of this process. Events that end before the first scrape are counted too. */
export function createMetrics({ version, ...sets }: ClosedSets & { version: string }): ProcessMetrics {
  const metrics = createRegistry();
  const { registry } = metrics;
  collectDefaultMetrics({ register: registry, eventLoopUtilizationTimeout: utilizationEveryMs });
  for (const name of misnamed) registry.removeSingleMetric(name);
  metrics.gauge(
    { name: 'token_broker_build_info', help: 'Version of the broker; the value is always 1.', labels: ['version'] },
    () => [[[version], 1]],
  );
  const events = registerEventMetrics(metrics, sets);
  let readState: () => Promise<void> = async () => undefined;
  return {
    ...events,
    watch(state) {
      readState = registerStateMetrics(metrics, state);
    },
    async readMetrics() {
      await readState();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
