import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface BrokerOptions {
  /** Added to PORT, PUBLIC_URL and DATA_DIR; nothing is inherited but PATH and HOME. */
  env?: Record<string, string>;
  dataDir: string;
  port?: number;
  /** Command of src/main.ts. */
  command?: string;
  /** Whether to wait until /readyz says yes. */
  waitUntilReady?: boolean;
}

export type BrokerProcess = Awaited<ReturnType<typeof startBroker>>;

const root = resolve(import.meta.dirname, '../..');
/** The first start makes a database cluster, on a machine that may be busy. */
const readyLimitMs = 60_000;
/** The broker promises 30 s. */
const stopLimitMs = 35_000;
const pollMs = 25;

/** The service as its users run it: a process of its own, on a free port of loopback. Resolves once it is ready. */
export async function startBroker({
  env = {},
  dataDir,
  port,
  command = 'serve',
  waitUntilReady = true,
}: BrokerOptions) {
  const listening = port ?? (await freePort());
  const url = `http://127.0.0.1:${listening}`;
  const child = spawn(process.execPath, ['src/main.ts', command], {
    cwd: root,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      ...{ PORT: String(listening), PUBLIC_URL: url, DATA_DIR: dataDir, ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C at a terminal reaches the parent alone, which then ends the broker in order.
    detached: true,
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => chunks.push(text));
  const ended = once(child, 'close') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  ended.then(
    () => process.off('exit', killWithParent),
    () => {},
  );
  const logs = () => chunks.join('');

  if (waitUntilReady) {
    const until = Date.now() + readyLimitMs;
    while (!(await isReady(url))) {
      if (!isRunning()) throw new Error(`the broker ended before it was ready:\n${logs()}`);
      if (Date.now() > until) {
        child.kill('SIGKILL');
        throw new Error(`the broker was not ready within ${readyLimitMs / 1000} s:\n${logs()}`);
      }
      await sleep(pollMs);
    }
  }

  return {
    url,
    port: listening,
    pid: child.pid,
    logs,
    isRunning,
    /** Exit code and signal, once it ended. */
    ended,
    /** SIGTERM, and the exit code; SIGKILL and an error where it does not end. */
    async stop(): Promise<number | null> {
      if (isRunning()) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      const [code, signal] = await ended;
      clearTimeout(timer);
      if (signal === 'SIGKILL') throw new Error(`the broker did not stop within ${stopLimitMs / 1000} s:\n${logs()}`);
      return code;
    },
    /** SIGKILL, as a crash: nothing is closed, and an embedded database runs on. */
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
