import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findProgram, installPackage } from '../processes/debian-programs.ts';
import { freePort } from '../processes/free-port.ts';

export interface TestRedisServer {
  url: string | null;
  absence: string | null;
  stop(): Promise<void>;
  /** Ends the server synchronously, for the exit of a process. */
  kill(): void;
}

const nothingToStop = { stop: async () => {}, kill: () => {} };

/** Uses REDIS_URL, otherwise starts a server from the PATH, otherwise installs one with apt if possible. */
export async function startTestRedis(): Promise<TestRedisServer> {
  if (env.REDIS_URL) return { url: env.REDIS_URL, absence: null, ...nothingToStop };
  const found = findRedisServer();
  if (found !== undefined) return startServer(found);
  const reason = await installPackage('redis-server');
  const installed = findRedisServer();
  if (installed !== undefined) return startServer(installed);
  return {
    url: null,
    absence: `no REDIS_URL, no redis-server or valkey-server on the PATH, ${reason}`,
    ...nothingToStop,
  };
}

export function findRedisServer(): string | undefined {
  return findProgram(['redis-server', 'valkey-server']);
}

async function startServer(program: string): Promise<TestRedisServer> {
  const home = mkdtempSync(join(tmpdir(), 'token-broker-test-redis-'));
  const port = await freePort();
  const server = spawn(
    program,
    [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--save',
      '',
      '--appendonly',
      'no',
      '--databases',
      '256',
      '--dir',
      home,
    ],
    { stdio: 'ignore' },
  );
  const url = `redis://127.0.0.1:${port}`;
  const ended = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.once('error', () => resolve());
  });
  // The server keeps nothing on disk: its folder can be deleted before it has ended.
  const end = () => {
    server.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  const stop = async () => {
    end();
    await ended;
  };
  if (await waitUntilUp(url, () => server.exitCode === null)) return { url, absence: null, stop, kill: end };
  await stop();
  return { url: null, absence: `${program} did not start`, ...nothingToStop };
}

async function waitUntilUp(url: string, isRunning: () => boolean): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  try {
    for (let tries = 0; tries < 250 && isRunning(); tries++) {
      try {
        await client.connect();
        return true;
      } catch {
        await sleep(20);
      }
    }
    return false;
  } finally {
    client.disconnect();
  }
}
