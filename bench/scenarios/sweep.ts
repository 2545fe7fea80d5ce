import { defaultEndpointConcurrency } from '../../src/oauth/gateway.ts';
import { insertGrants } from '../support/insert-grants.ts';
import { interleave } from '../support/interleave.ts';
import { runPosts } from '../support/posts.ts';
import { processorSeconds } from '../support/processes.ts';
import type { Figure } from '../support/report.ts';
import { openService } from '../support/service.ts';
import { median } from '../support/statistics.ts';
import { openSweeps } from '../support/sweeps.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import type { Scenario } from './scenario.ts';

const lifetimeSeconds = 86_400;
const delayMs = 300;
const concurrency = defaultEndpointConcurrency;

/** Measures a sweep from its start to the last stored token: selection, queue, leases, requests, durable commits. */
export const sweepScenario: Scenario = {
  name: 'sweep',
  title: `Sweep of due grants, against bare undici posts to the same instant token endpoint, ${concurrency} at once`,
  async run({ dueGrants, sweepRounds }) {
    await using tokens = await startTokenEndpoint({ lifetimeSeconds });
    const tokenUrl = tokens.report.url;
    await using service = await openService();
    await insertGrants(service, { name: 'due', tokenUrl }, dueGrants);
    await using sweeps = await openSweeps(service);
    const perRefresh: number[] = [];
    const sweeping = {
      name: 'sweep',
      async measure() {
        const before = processorSeconds(service.pid);
        const { count, seconds } = await sweeps.run();
        const after = processorSeconds(service.pid);
        if (before !== undefined && after !== undefined) perRefresh.push(((after - before) * 1e6) / count);
        return count / seconds;
      },
    };
    const posting = {
      name: 'posts',
      measure: async () => (await runPosts({ tokenUrl, count: dueGrants, concurrency })).perSecond,
    };
    const { subject, baseline, ratio, rounds } = await interleave(sweeping, posting, sweepRounds);
    const details = { rounds, database: await sweeps.durability() };
    const figures: Figure[] = [
      {
        what: `${dueGrants} refreshes`,
        value: subject,
        unit: 'req/s',
        baseline,
        ratio,
        target: { atLeast: 0.25 },
        details,
      },
    ];
    if (perRefresh.length > 0) {
      figures.push({ what: 'processor time of the Node process', value: median(perRefresh), unit: 'µs/req' });
    }
    return figures;
  },
};

/** With a slow provider, only its delay and the number of concurrent calls should determine the time. */
export const slowSweepScenario: Scenario = {
  name: 'slow-sweep',
  title: `Sweep of due grants whose token endpoint takes ${delayMs} ms, against ${concurrency} calls at once without a gap`,
  async run({ slowDueGrants }): Promise<Figure[]> {
    await using tokens = await startTokenEndpoint({ lifetimeSeconds, delayMs });
    await using service = await openService();
    await insertGrants(service, { name: 'due', tokenUrl: tokens.report.url }, slowDueGrants);
    await using sweeps = await openSweeps(service);
    const { count, seconds } = await sweeps.run();
    const baseline = (count / concurrency) * (delayMs / 1000);
    return [
      {
        what: `${count} refreshes`,
        value: seconds,
        unit: 's',
        baseline,
        ratio: seconds / baseline,
        target: { below: 1.5 },
      },
    ];
  },
};
