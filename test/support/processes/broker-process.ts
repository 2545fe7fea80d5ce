import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import about from '../../../package.json' with { type: 'json' };
import { freePort } from './free-port.ts';

export interface BrokerOptions {
  /** Added to PORT, PUBLIC_URL and DATA_DIR. Of this process's own environment only PATH and HOME are inherited. */
  env?: Record<string, string>;
  dataDir: string;
  port: number;
  /** Command of src/main.ts. */
  command?: string;
  /** Words before the Node program, such as a program that starts it in a container. */
  prefix?: readonly string[];
}

export type BrokerProcess = ReturnType<typeof spawnBroker>;

const root = resolve(import.meta.dirname, '../../..');
/** Arguments of `npm start`, flags included. */
export const [, ...startArguments] = about.scripts.start.split(' ');
/** Limit of a start in milliseconds. The first start makes a database cluster, which a busy machine delays. */
const readyLimitMs = 50_000;
/** Limit of a stop in milliseconds: above the 30 s within which the broker promises to stop. */
const stopLimitMs = 35_000;
const pollMs = 25;

/** Starts the service as its users run it, in a process of its own, and waits until it is ready. Defaults to a free port of loopback. */
export async function startBroker({ port, ...options }: Omit<BrokerOptions, 'port'> & { port?: number }) {
  const broker = spawnBroker({ ...options, port: port ?? (await freePort()) });
  await broker.ready();
  return broker;
}

/** Starts the process and returns before it is ready. */
export function spawnBroker({ env = {}, dataDir, port, command = 'serve', prefix = [] }: BrokerOptions) {
  const url = `http://127.0.0.1:${port}`;
  const [program = process.execPath, ...words] = [...prefix, process.execPath, ...startArguments, command];
  const child = spawn(program, words, {
    cwd: root,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      ...{ PORT: String(port), PUBLIC_URL: url, DATA_DIR: dataDir, ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a process group of its own, Ctrl-C at a terminal reaches only the parent, which then ends the broker in order.
    detached: true,
  });
  const chunks: string[] = [];
  const streams = [child.stdout, child.stderr].map((stream) => {
    const own: string[] = [];
    stream.setEncoding('utf8').on('data', (text) => {
      chunks.push(text);
      own.push(text);
    });
    return own;
  });
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
    /** Lines of stdout, then of stderr. Complete only after the process ended. */
    lines: () => streams.flatMap((own) => own.join('').split('\n')).filter((line) => line !== ''),
    isRunning,
    /** Resolves with exit code and signal when the process ended. */
    ended,
    /** Waits until /readyz returns success. Throws with the output of the broker if it ends first or takes too long. */
    async ready(): Promise<void> {
      const until = Date.now() + readyLimitMs;
      while (!(await isReady(`${url}${env.BASE_PATH ?? ''}`))) {
        if (Date.now() > until) child.kill('SIGKILL');
        if (!isRunning() || Date.now() > until) {
          // The last lines of the output may still be in the pipe.
          const [code, signal] = await ended;
          throw new Error(`the broker ended (${code ?? signal}) before it was ready:\n${lastLines(logs())}`);
        }
        await sleep(pollMs);
      }
    },
    /** Sends SIGTERM and returns the exit code. Sends SIGKILL and throws if the process does not end in time. */
    async stop(): Promise<number | null> {
      if (isRunning()) child.kill('SIGTERM');
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, stopLimitMs);
      const [code] = await ended;
      clearTimeout(timer);
      if (isLate) throw new Error(`the broker did not stop within ${stopLimitMs / 1000} s:\n${lastLines(logs())}`);
      return code;
    },
    /** Sends SIGKILL, as in a crash: nothing is closed, and an embedded database keeps running. */
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const shownLines = 30;

/** The last lines of a log, without the requests of /readyz. */
function lastLines(log: string): string {
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
