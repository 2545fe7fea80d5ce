import { insertGrants } from '../support/insert-grants.ts';
import { interleave } from '../support/interleave.ts';
import { runLoad } from '../support/load.ts';
import { createLoadArm, processorFigures } from '../support/load-arm.ts';
import { startPlainRoute } from '../support/plain-route.ts';
import type { Figure } from '../support/report.ts';
import { openService, type Service } from '../support/service.ts';
import type { Effort, Scenario } from './scenario.ts';

const callers = 32;
/** V8 optimises code that runs often. The service runs more code than the bare route and takes longer to warm up. */
const warmUpSeconds = 10;
/** Never called: no grant of this scenario needs a refresh. */
const tokenUrl = 'http://127.0.0.1:9/token';

/** Compares an authenticated fetch from memory with a bare Fastify route that sends the same response. */
export const hotFetchScenario: Scenario = {
  name: 'hot-fetch',
  title: `Credential fetch from the cache, ${callers} callers, against a bare Fastify route without a database`,
  async run(effort) {
    await using service = await openService();
    const paths = await insertGrants(service, { name: 'hot', tokenUrl }, effort.hotGrants);
    await runLoad({ url: service.url, headers: service.fetchHeaders, paths, connections: callers });
    return [
      ...(await compare('one grant', service, paths.slice(0, 1), effort, 0.55)),
      ...(await compare(`${effort.hotGrants} grants evenly`, service, paths, effort, 0.45)),
    ];
  },
};

async function compare(
  what: string,
  service: Service,
  paths: readonly string[],
  { rounds, roundSeconds }: Effort,
  atLeast: number,
): Promise<Figure[]> {
  const [first = ''] = paths;
  await using plain = await startPlainRoute(await responseOf(service, first));
  const common = { headers: service.fetchHeaders, paths, connections: callers, seconds: roundSeconds };
  for (const { url } of [service, plain.report]) await runLoad({ ...common, url, seconds: warmUpSeconds });
  const fetching = createLoadArm('fetch', service.pid, { ...common, url: service.url });
  const plainRoute = createLoadArm('plain route', plain.pid, { ...common, url: plain.report.url });
  const { subject, baseline, ratio, rounds: details } = await interleave(fetching, plainRoute, rounds);
  const figures: Figure[] = [
    { what, value: subject, unit: 'req/s', baseline, ratio, target: { atLeast }, details },
    ...processorFigures(fetching, plainRoute),
  ];
  return figures;
}

async function responseOf(service: Service, path: string): Promise<object> {
  const response = await fetch(`${service.url}${path}`, { headers: service.fetchHeaders });
  if (!response.ok) throw new Error(`the service responded with ${response.status}`);
  return (await response.json()) as object;
}
