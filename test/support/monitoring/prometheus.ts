import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { describeWithProgram } from '../processes/describe-with-program.ts';
import { freePort } from '../processes/free-port.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

/** Declares a suite. Without Prometheus it is skipped under a name that says so; with CI=true it fails. */
export function describeWithPrometheus(name: string, suite: () => void): void {
  describeWithProgram({ title: 'Prometheus', absence: inject('prometheusAbsence') }, name, suite);
}

export const examples = resolve(import.meta.dirname, '../../../examples/monitoring');
const startLimitMs = 20_000;

function promtoolProgram(): string {
  const program = inject('promtool');
  if (program === null) throw new Error('promtool belongs inside describeWithPrometheus.');
  return program;
}

/** Runs promtool and returns all it prints, and its exit code. */
export function promtool(words: readonly string[], { cwd = examples, input = '' } = {}) {
  const { status, stdout, stderr } = spawnSync(promtoolProgram(), words, { cwd, input, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** Copies the example's configuration, with a key, other targets and a short interval. */
export function copyExample(key: string, targets: readonly string[]): string {
  const folder = createTemporaryFolder('token-broker-test-prometheus-');
  cpSync(examples, folder, { recursive: true });
  writeFileSync(join(folder, 'token-broker.key'), `${key}\n`, { mode: 0o600 });
  const file = join(folder, 'prometheus.yml');
  const text = readFileSync(file, 'utf8')
    .replace('scrape_interval: 30s', 'scrape_interval: 1s')
    .replace('scrape_timeout: 10s', 'scrape_timeout: 1s')
    .replace('- localhost:8080', targets.map((target) => `- ${target}`).join('\n          '));
  writeFileSync(file, text);
  return folder;
}

export interface QueryResult {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** Runs a Prometheus server on the configuration in a folder. */
export async function startPrometheus(folder: string) {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    join(dirname(promtoolProgram()), 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const output: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.length < 50 && output.push(text));
  const abandon = () => child.kill('SIGKILL');
  process.once('exit', abandon);
  const until = Date.now() + startLimitMs;
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`Prometheus did not start:\n${output.join('')}`);
    await sleep(50);
  }
  return {
    /** Evaluates an expression now. Throws with the message of the server if it is faulty. */
    async query(expression: string): Promise<QueryResult[]> {
      const url = `http://${address}/api/v1/query?${new URLSearchParams({ query: expression })}`;
      const { data, error } = (await (await fetch(url)).json()) as {
        data?: { result: QueryResult[] };
        error?: string;
      };
      if (data === undefined) throw new Error(`${expression}: ${error}`);
      return data.result;
    },
    async stop(): Promise<void> {
      process.off('exit', abandon);
      const ended = once(child, 'exit');
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
