import { performance } from 'node:perf_hooks';
import { type ImportTarget, importLines } from '../../test/support/faults/import-client.ts';
import { interleave } from '../support/interleave.ts';
import { residentMiB } from '../support/processes.ts';
import type { Figure } from '../support/report.ts';
import { openService } from '../support/service.ts';
import type { Scenario } from './scenario.ts';

const connection = 'imported';
/** Lines of one round. The single imports beside it are a tenth of that. */
const linesPerRound = 1_000;
/** Results between two samples of memory. */
const sampleEvery = 500;

/** Imports grants in bulk, against one request for each grant, and measures the memory of one long import. */
export const importScenario: Scenario = {
  name: 'import',
  title: 'Import of many grants as lines, against a request for each grant',
  async run({ rounds, importedLines }): Promise<Figure[]> {
    await using service = await openService();
    const { url, pid } = service;
    const rights = { permissions: ['admin:write'], organizations: '*', global: true };
    const created = await service.post('/admin/api-keys', { name: 'import', ...rights }, {});
    const target: ImportTarget = { url, key: String(created.key) };
    const settings = { client_id: 'bench', client_secret: 'bench', token_url: 'https://provider.invalid/token' };
    await service.post(
      '/connections',
      { connection_name: connection, oauth_flow_type: 'refresh_token', ...settings },
      {},
    );
    let from = 0;
    const imported = async (count: number, onResult?: (seen: number) => void): Promise<number> => {
      const startedAt = performance.now();
      const { last } = await importLines(target, connection, { count, from, ...(onResult && { onResult }) });
      if (last.created !== count) throw new Error(`the import ended with ${JSON.stringify(last)}`);
      from += count;
      return perSecond(count, startedAt);
    };
    const single = async (): Promise<number> => {
      const count = linesPerRound / 10;
      const startedAt = performance.now();
      for (let n = 0; n < count; n++) {
        const tokens = { access_token: 'a', refresh_token: `r${n}`, expires_at: '2040-01-01T00:00:00Z' };
        await service.post(`/connections/${connection}/grants`, { subject: `single-${from}-${n}`, ...tokens }, {});
      }
      from += count;
      return perSecond(count, startedAt);
    };
    const arms = [
      { name: 'lines', measure: () => imported(linesPerRound) },
      { name: 'requests', measure: single },
    ] as const;
    const { subject, baseline, ratio } = await interleave(...arms, rounds);

    const peaks: [first: number, second: number] = [0, 0];
    const rate = await imported(importedLines, (seen) => {
      if (seen % sampleEvery !== 0) return;
      const half = seen <= importedLines / 2 ? 0 : 1;
      peaks[half] = Math.max(peaks[half], residentMiB(pid));
    });
    const [first, second] = peaks;
    return [
      { what: 'grants a second, one client', value: subject, unit: 'req/s', baseline, ratio },
      { what: `grants a second over ${importedLines} lines`, value: rate, unit: 'req/s' },
      {
        what: 'peak of memory in the second half of them, against the first',
        value: second,
        unit: 'MiB',
        baseline: first,
        ratio: second / first,
        target: { below: 1.25 },
      },
    ];
  },
};

function perSecond(count: number, startedAt: number): number {
  return (count * 1000) / (performance.now() - startedAt);
}
