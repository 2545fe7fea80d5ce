import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findRedisServer } from '../redis/server.ts';
import { stablePort } from './port.ts';

export interface FaultRedis {
  /** The same after every start. */
  url: string;
  /** Starts the server empty: it keeps nothing on disk. */
  start(): Promise<void>;
  kill(): Promise<void>;
  flush(): Promise<void>;
  remove(): Promise<void>;
}

const startLimitMs = 20_000;

/** Starts a Redis server for one test, which may kill it at any moment. */
export async function startFaultRedis(): Promise<FaultRedis> {
  const program = findRedisServer();
  if (program === undefined) throw new Error('The fault suite needs a redis-server or valkey-server on the PATH.');
  const home = mkdtempSync(join(tmpdir(), 'token-broker-fault-redis-'));
  const port = await stablePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const abandon = () => server?.kill('SIGKILL');
  process.once('exit', abandon);

  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  const fault: FaultRedis = {
    url,
    start: async () => {
      const persistence = ['--save', '', '--appendonly', 'no'];
      server = spawn(program, ['--bind', '127.0.0.1', '--port', String(port), '--dir', home, ...persistence], {
        stdio: 'ignore',
      });
      const until = Date.now() + startLimitMs;
      while (!(await isUp(url))) {
        if (Date.now() > until) throw new Error(`${program} did not start`);
        await sleep(20);
      }
    },
    kill,
    flush: async () => {
      const client = new Redis(url);
      await client.flushall();
      client.disconnect();
    },
    remove: async () => {
      process.off('exit', abandon);
      await kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
  await fault.start();
  return fault;
}

async function isUp(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
