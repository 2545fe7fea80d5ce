import { startBareServer } from '../support/bare-server.ts';
import { type LoadResult, runLoad } from '../support/load.ts';
import type { Figure } from '../support/report.ts';
import { addExpiredGrants, addLiveConnection, openService, servicePoolMax } from '../support/service.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import type { Scenario } from './scenario.ts';

const callers = 100;
const fetchTargetMs = 100;
const refreshTargetMs = 2000;

/** Measures how long a hundred callers wait if each sends its next request at once: more load than in practice. */
export const callersScenario: Scenario = {
  name: 'callers',
  title: `Latency at ${callers} concurrent callers, against one prepared select and one bare token request`,
  async run({ roundSeconds, refreshes }) {
    await using tokens = await startTokenEndpoint({ lifetimeSeconds: 86_400 });
    await using service = await openService();
    const tokenUrl = tokens.report.url;
    const grantId = await addLiveConnection(service, 'live', tokenUrl);
    const warmUp = await addExpiredGrants(service, 'warm-up', tokenUrl, Math.max(callers, refreshes / 10));
    const paths = await addExpiredGrants(service, 'expired', tokenUrl, refreshes);
    const databaseUrl = service.databaseUrl;
    await using bare = await startBareServer({ databaseUrl, poolMax: servicePoolMax, grantId, tokenUrl });

    const subject = { url: service.url, headers: service.fetchHeaders, connections: callers };
    const baseline = { url: bare.report.url, connections: callers, seconds: roundSeconds };
    await runLoad({ ...subject, paths: ['/credentials/live'], seconds: 1 });
    await runLoad({ ...baseline, paths: ['/select'], seconds: 1 });
    const select = await runLoad({ ...baseline, paths: ['/select'] });
    const fetched = await runLoad({ ...subject, paths: ['/credentials/live'], seconds: roundSeconds });
    await runLoad({ ...subject, paths: warmUp });
    const post = await runLoad({ ...baseline, paths: ['/post'] });
    const refreshed = await runLoad({ ...subject, paths });
    return [
      ...latencies('fetch', fetched, select, fetchTargetMs),
      ...latencies(`fetch that refreshes first (${refreshed.count} grants)`, refreshed, post, refreshTargetMs),
    ];
  },
};

function latencies(what: string, subject: LoadResult, bare: LoadResult, below: number): Figure[] {
  const target = { below };
  return [
    { what: `${what}, median`, value: subject.p50Ms, unit: 'ms', baseline: bare.p50Ms, target },
    { what: `${what}, 99th percentile`, value: subject.p99Ms, unit: 'ms', baseline: bare.p99Ms, target },
    { what: `${what}, throughput`, value: subject.requestsPerSecond, unit: 'req/s', baseline: bare.requestsPerSecond },
  ];
}
