import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { runCli } from '../../test/support/cli/run-in-process.ts';
import type { Figure } from '../support/report.ts';
import { openService, organization } from '../support/service.ts';
import type { Scenario } from './scenario.ts';

/** Applies a file of many connections through the command line, and plans it again, against a request for each. */
export const connectionsFileScenario: Scenario = {
  name: 'connections-file',
  title: 'A file of many connections, against a request for each',
  async run({ declaredConnections: count }): Promise<Figure[]> {
    await using service = await openService();
    const { url, dataDir: directory } = service;
    const environment = { HOME: directory, TOKEN_BROKER_URL: url, TOKEN_BROKER_ORGANIZATION: organization };
    const names = Array.from({ length: count }, (_, index) => `c-${index}`);
    const text = JSON.stringify(names.map((name) => ({ connection_name: name, ...settings })));
    writeFileSync(join(directory, 'connections.yaml'), text);
    const cli = async (...args: string[]): Promise<number> => {
      const startedAt = performance.now();
      const keyFile = join(directory, 'admin-key');
      const { code, stderr } = await runCli([...args, '--key-file', keyFile], { environment, directory });
      if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`);
      return (performance.now() - startedAt) / 1000;
    };
    const applied = await cli('apply', '--yes');
    const planned = await cli('plan', '--exit-code', '--prune');
    const startedAt = performance.now();
    for (const name of names) await service.get(`/connections/${name}`);
    const read = (performance.now() - startedAt) / 1000;
    return [
      { what: `apply of ${count} new connections`, value: applied, unit: 's', baseline: read, ratio: applied / read },
      { what: 'plan that finds them unchanged', value: planned, unit: 's', baseline: read, ratio: planned / read },
    ];
  },
};

const settings = {
  client_id: 'bench',
  client_secret: 'bench',
  authorization_url: 'https://provider.invalid/authorize',
  token_url: 'https://provider.invalid/token',
};
