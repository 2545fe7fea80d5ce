import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { afterAll, expect, test } from 'vitest';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { openTerminal, pseudoTerminal } from '../support/cli/pseudo-terminal.ts';
import { describeWithProgram } from '../support/processes/describe-with-program.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { startSlowReader } from '../support/transfer/slow-reader.ts';

const directory = createTemporaryFolder('transfer-terminal-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function importAt(url: string, ...args: string[]) {
  const program = resolve(projectRoot, 'src/cli/launch.js');
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: directory, TOKEN_BROKER_URL: url, TOKEN_BROKER_KEY: 'a-key' };
  return openTerminal([process.execPath, program, 'import', ...args], { env, directory });
}

describeWithProgram(pseudoTerminal, 'import at a terminal', () => {
  test('shows that work is going on, and then the summary', async () => {
    const broker = await startSlowReader();
    writeFileSync(join(directory, 'grants.ndjson'), '{"connection_name":"crm"}\n'.repeat(3));
    const terminal = importAt(broker.url, 'grants.ndjson');
    await terminal.shows('importing');
    await terminal.shows('3 lines: 3 created');
    expect(await terminal.ended).toBe(0);
    await broker.close();
  });

  test('asks whether the other system has stopped, and stores nothing if it has not', async () => {
    const terminal = importAt('http://127.0.0.1:1', 'credentials.json', '--from', 'n8n');
    await terminal.shows('Stop the refreshes of n8n first');
    await terminal.shows('Type stopped');
    terminal.type('no\r');
    await terminal.shows('Nothing was changed');
    expect(await terminal.ended).toBe(1);
  });
});
