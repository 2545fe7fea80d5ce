import { startBareServer } from '../support/bare-server.ts';
import { interleave } from '../support/interleave.ts';
import { createLoadArm, processorFigures } from '../support/load-arm.ts';
import type { Figure } from '../support/report.ts';
import { addLiveConnection, openService, servicePoolMax } from '../support/service.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import type { Scenario } from './scenario.ts';

const callers = 32;

/** Compares an authenticated fetch of one grant, cached after the first, with one prepared select of its row. */
export const fetchScenario: Scenario = {
  name: 'fetch',
  title: `Credential fetch of one grant, ${callers} callers, against a bare Fastify route with one prepared select`,
  async run({ rounds, roundSeconds }) {
    await using tokens = await startTokenEndpoint({ lifetimeSeconds: 86_400 });
    await using service = await openService();
    const grantId = await addLiveConnection(service, 'live', tokens.report.url);
    await using bare = await startBareServer({
      databaseUrl: service.databaseUrl,
      poolMax: servicePoolMax,
      grantId,
      tokenUrl: tokens.report.url,
    });

    const common = { connections: callers, seconds: roundSeconds };
    const fetching = createLoadArm('fetch', service.pid, {
      ...common,
      url: service.url,
      headers: service.fetchHeaders,
      paths: ['/credentials/live'],
    });
    const selecting = createLoadArm('select', bare.pid, { ...common, url: bare.report.url, paths: ['/select'] });
    const { subject, baseline, ratio, rounds: details } = await interleave(fetching, selecting, rounds);
    const figures: Figure[] = [
      { what: 'throughput', value: subject, unit: 'req/s', baseline, ratio, target: { atLeast: 0.6 }, details },
    ];
    return [...figures, ...processorFigures(fetching, selecting)];
  },
};
