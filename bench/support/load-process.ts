import autocannon from 'autocannon';
import { reportToParent } from './fork.ts';
import type { Load, LoadReport } from './load.ts';

const timeoutSeconds = 30;

await reportToParent<Load, LoadReport>(async ({ url, paths, headers = {}, connections, seconds }) => {
  const shares = paths.length < connections ? 1 : connections;
  let client = 0;
  const run = autocannon({
    url,
    connections,
    headers,
    timeout: timeoutSeconds,
    ...(seconds === undefined ? { amount: paths.length } : { duration: seconds }),
    setupClient(each) {
      const share = client++ % shares;
      each.setRequests(paths.filter((_, i) => i % shares === share).map((path) => ({ method: 'GET', path })));
    },
  });
  // The histogram of autocannon has a resolution of one millisecond only.
  const latenciesMs: number[] = [];
  run.on('response', (_client, status, _bytes, ms) => {
    if (status >= 200 && status < 300) latenciesMs.push(ms);
  });
  const result = await run;
  return { seconds: result.duration, latenciesMs, failures: result.non2xx + result.errors + result.timeouts };
});
