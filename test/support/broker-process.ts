import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import about from '../../package.json' with { type: 'json' };

export interface BrokerOptions {
  /** Added to PORT, PUBLIC_URL and DATA_DIR; nothing is inherited but PATH and HOME. */
  env?: Record<string, string>;
  dataDir: string;
  port: number;
  /** Command of src/main.ts. */
  command?: string;
}

export type BrokerProcess = ReturnType<typeof spawnBroker>;

const root = resolve(import.meta.dirname, '../..');
/** As `npm start` says, flags included. */
export const [, ...startArguments] = about.scripts.start.split(' ');
/** The first start makes a database cluster, on a machine that may be busy. */
const readyLimitMs = 50_000;
/** The broker promises 30 s. */
const stopLimitMs = 35_000;
const pollMs = 25;

/** The service as its users run it, once it is ready: a process of its own, on a free port of loopback by default. */
export async function startBroker({ port, ...options }: Omit<BrokerOptions, 'port'> & { port?: number }) {
  const broker = spawnBroker({ ...options, port: port ?? (await freePort()) });
  await broker.ready();
  return broker;
}

/** Starts the process and waits for nothing. */
export function spawnBroker({ env = {}, dataDir, port, command = 'serve' }: BrokerOptions) {
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [...startArguments, command], {
    cwd: root,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      ...{ PORT: String(port), PUBLIC_URL: url, DATA_DIR: dataDir, ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C at a terminal reaches the parent alone, which then ends the broker in order.
    detached: true,
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => chunks.push(text));
  const ended = once(child, 'close') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  child.once('close', () => process.off('exit', killWithParent));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const logs = () => chunks.join('');

  return {
    url,
    port,
    pid: child.pid,
    logs,
    isRunning,
    /** Exit code and signal, once it ended. */
    ended,
    /** Until /readyz says yes. Throws, with what the broker wrote, where it ends first or takes too long. */
    async ready(): Promise<void> {
      const until = Date.now() + readyLimitMs;
      while (!(await isReady(`${url}${env.BASE_PATH ?? ''}`))) {
        if (Date.now() > until) child.kill('SIGKILL');
        if (!isRunning() || Date.now() > until) {
          // Its last words may still be in the pipe.
          const [code, signal] = await ended;
          throw new Error(`the broker ended (${code ?? signal}) before it was ready:\n${lastWords(logs())}`);
        }
        await sleep(pollMs);
      }
    },
    /** SIGTERM, and the exit code; SIGKILL and an error where it does not end. */
    async stop(): Promise<number | null> {
      if (isRunning()) child.kill('SIGTERM');
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, stopLimitMs);
      const [code] = await ended;
      clearTimeout(timer);
      if (isLate) throw new Error(`the broker did not stop within ${stopLimitMs / 1000} s:\n${lastWords(logs())}`);
      return code;
    },
    /** SIGKILL, as a crash: nothing is closed, and an embedded database runs on. */
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const shownLines = 30;

/** The end of a log, without the answers to whoever asked whether it is ready. */
function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => !line.includes('"route":"/readyz"'));
  return lines.slice(-shownLines).join('\n');
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
