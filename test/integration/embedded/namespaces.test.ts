import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { execPath, kill } from 'node:process';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../support/processes/embedded-broker.ts';
import {
  descendantsOf,
  describeWithNamespaces,
  type NamespaceOptions,
  writeNodeInNamespaces,
} from '../../support/processes/namespaces.ts';
import { createTemporaryFolder } from '../../support/processes/temporary-folder.ts';

let home: string;
let dataDir: string;
const brokers: EmbeddedBroker[] = [];

beforeEach(() => {
  home = createTemporaryFolder('token-broker-namespaces-');
  dataDir = join(home, 'data');
});

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.kill('SIGKILL')));
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

/** Starts a broker in namespaces of its own; its host name is that of this machine. */
async function startInNamespaces(options: NamespaceOptions = {}): Promise<EmbeddedBroker> {
  const program = writeNodeInNamespaces(home, options);
  const broker = await startEmbeddedBroker(dataDir, join(home, 'shelter'), { program });
  brokers.push(broker);
  return broker;
}

const startHere = () => startEmbeddedBroker(dataDir, join(home, 'shelter'));

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

describeWithNamespaces('brokers in PID namespaces of their own, on one data directory', () => {
  test('a second one with the same host name is refused, with pid and host of the first', async () => {
    const first = await startInNamespaces();
    const refusal = `Another broker, process 1 in another container or PID namespace on host ${hostname()}, runs on ${dataDir}`;
    await expect(startInNamespaces()).rejects.toThrow(refusal);
    await expect(startInNamespaces({ network: true })).rejects.toThrow(refusal);
    await expect(startHere()).rejects.toThrow(refusal);
    expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 120_000);

  test('after a kill the next one starts at once, with the same pid and the rows of the first', async () => {
    const first = await startInNamespaces();
    await query(first.url, "create table kept as select 'value' as it");
    await first.kill('SIGKILL');
    const next = await startInNamespaces({ network: true });
    expect(await query(next.url, 'select it from kept')).toEqual([{ it: 'value' }]);
  }, 120_000);

  test.each([
    ['in its own folder', 'data'],
    ['below the temporary folder', 'data'.repeat(30)],
  ])(
    'a database with its socket %s that outlives its broker there is not started again here',
    async (_, name) => {
      dataDir = join(home, name);
      const first = await startInNamespaces({ outlives: true });
      for (const pid of descendantsOf(first.pid, execPath)) kill(pid, 'SIGKILL');
      const refusal =
        /The embedded database in .* runs already: process \d+ in another container or PID namespace on host/;
      await expect(startHere()).rejects.toThrow(refusal);
      await expect(startInNamespaces()).rejects.toThrow(refusal);
      expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      await first.kill('SIGKILL');
      const next = await startInNamespaces();
      expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
    180_000,
  );

  test('a running database without a claim of this version is seen through its own socket', async () => {
    const first = await startInNamespaces({ outlives: true });
    for (const pid of descendantsOf(first.pid, execPath)) kill(pid, 'SIGKILL');
    rmSync(join(dataDir, 'postgres.lock'), { recursive: true });
    await expect(startHere()).rejects.toThrow(/runs already: process \d+ in another container/);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(true);
    expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 120_000);

  test('claims and drafts leave nothing behind', async () => {
    mkdirSync(dataDir);
    const broker = await startHere();
    await broker.kill('SIGTERM');
    expect(readdirSync(dataDir).filter((name) => name.includes('.lock'))).toEqual([]);
  }, 60_000);
});
