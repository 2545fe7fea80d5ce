import { insertGrants } from '../support/insert-grants.ts';
import { interleave } from '../support/interleave.ts';
import { runLoad } from '../support/load.ts';
import { createLoadArm, processorFigures } from '../support/load-arm.ts';
import { startPlainRoute } from '../support/plain-route.ts';
import type { Figure } from '../support/report.ts';
import { openService, type Service } from '../support/service.ts';
import type { Effort, Scenario } from './scenario.ts';

const callers = 32;
/** The engine optimises what runs often: the service, which runs more code, is slow for longer than the bare route. */
const warmUpSeconds = 10;
/** Nobody is asked for a token here. */
const tokenUrl = 'http://127.0.0.1:9/token';

/** An authenticated fetch answered from memory, against a bare Fastify route that sends as much to the same requests. */
export const hotFetchScenario: Scenario = {
  name: 'hot-fetch',
  title: `Credential fetch from the cache, ${callers} callers, against a bare Fastify route without a database`,
  async run(effort) {
    await using service = await openService();
    const paths = await insertGrants(service, { name: 'hot', tokenUrl }, effort.hotGrants);
    await runLoad({ url: service.url, headers: service.fetchHeaders, paths, connections: callers });
    return [
      ...(await compare('one grant', service, paths.slice(0, 1), effort)),
      ...(await compare(`${effort.hotGrants} grants evenly`, service, paths, effort)),
    ];
  },
};

async function compare(
  what: string,
  service: Service,
  paths: readonly string[],
  { rounds, roundSeconds }: Effort,
): Promise<Figure[]> {
  const [first = ''] = paths;
  await using plain = await startPlainRoute(await answerOf(service, first));
  const common = { headers: service.fetchHeaders, paths, connections: callers, seconds: roundSeconds };
  for (const { url } of [service, plain.said]) await runLoad({ ...common, url, seconds: warmUpSeconds });
  const fetching = createLoadArm('fetch', service.pid, { ...common, url: service.url });
  const answering = createLoadArm('answer', plain.pid, { ...common, url: plain.said.url });
  const { subject, baseline, ratio, rounds: details } = await interleave(fetching, answering, rounds);
  const figures: Figure[] = [
    { what, value: subject, unit: 'req/s', baseline, ratio, target: { atLeast: 0.55 }, details },
    ...processorFigures(fetching, answering),
  ];
  return figures;
}

async function answerOf(service: Service, path: string): Promise<object> {
  const response = await fetch(`${service.url}${path}`, { headers: service.fetchHeaders });
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return (await response.json()) as object;
}
