import { performance } from 'node:perf_hooks';
import { startBroker } from '../../test/support/processes/broker-process.ts';
import { createDataDir } from '../../test/support/processes/data-dir.ts';
import type { Figure } from '../support/report.ts';
import { median } from '../support/statistics.ts';
import type { Scenario } from './scenario.ts';

const laterStarts = 3;

/** Measures the time from the start of the process until /readyz succeeds, on the embedded default. */
export const startScenario: Scenario = {
  name: 'start',
  title: 'Start to ready, on the embedded database',
  async run(): Promise<Figure[]> {
    const dataDir = createDataDir();
    try {
      const first = await startOnce(dataDir.path);
      const later: number[] = [];
      for (let start = 0; start < laterStarts; start++) later.push(await startOnce(dataDir.path));
      return [
        { what: 'first start (creates the database and the keys)', value: first, unit: 's' },
        { what: 'second start', value: median(later), unit: 's', target: { below: 5 }, details: later },
      ];
    } finally {
      await dataDir.remove();
    }
  },
};

async function startOnce(dataDir: string): Promise<number> {
  const startedAt = performance.now();
  const broker = await startBroker({ dataDir, env: { LOG_LEVEL: 'silent' } });
  const seconds = (performance.now() - startedAt) / 1000;
  await broker.stop();
  return seconds;
}
