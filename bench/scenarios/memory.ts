import { setTimeout as sleep } from 'node:timers/promises';
import { runLoad } from '../support/load.ts';
import { residentMiB } from '../support/processes.ts';
import type { Figure } from '../support/report.ts';
import { addLiveConnection, openService } from '../support/service.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import type { Scenario } from './scenario.ts';

const callers = 50;
const sampleMs = 500;

/** Measures the Node process of the service, without the processes of the embedded database. */
export const memoryScenario: Scenario = {
  name: 'memory',
  title: 'Resident memory of the service’s Node process',
  async run({ loadSeconds, settleSeconds }): Promise<Figure[]> {
    await using tokens = await startTokenEndpoint({ lifetimeSeconds: 86_400 });
    await using service = await openService();
    await addLiveConnection(service, 'live', tokens.report.url);
    await sleep(settleSeconds * 1000);
    const idle = residentMiB(service.pid);

    let peak = 0;
    const sampler = setInterval(() => {
      peak = Math.max(peak, residentMiB(service.pid));
    }, sampleMs);
    const { count } = await runLoad({
      url: service.url,
      headers: service.fetchHeaders,
      paths: ['/credentials/live'],
      connections: callers,
      seconds: loadSeconds,
    }).finally(() => clearInterval(sampler));
    const details = { fetches: count };
    return [
      { what: `idle, ${settleSeconds} s after the start`, value: idle, unit: 'MiB', target: { below: 180 } },
      {
        what: `after ${loadSeconds} s of fetches by ${callers} callers`,
        value: residentMiB(service.pid),
        unit: 'MiB',
        details,
      },
      { what: 'peak of that load', value: peak, unit: 'MiB' },
    ];
  },
};
