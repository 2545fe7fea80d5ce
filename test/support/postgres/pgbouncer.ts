import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { describeWithProgram } from '../processes/describe-with-program.ts';
import { freePort } from '../processes/free-port.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

export interface TestPgBouncer {
  /** URL of the same database through the pooler. The same after every start. */
  url: string;
  start(): Promise<void>;
  /** Ends the pooler at once: every client and server connection is cut. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

export interface PgBouncerOptions {
  /** Server connections that all clients share. Small, so that clients change connections all the time. */
  poolSize?: number;
  poolMode?: 'transaction' | 'session';
}

/** Declares a suite. Without PgBouncer it is skipped under a name that says so; with CI=true it fails. */
export function describeWithPgBouncer(name: string, suite: () => void): void {
  describeWithProgram({ title: 'PgBouncer', absence: inject('pgBouncerAbsence') }, name, suite);
}

const startLimitMs = 20_000;

/** Starts a PgBouncer in transaction mode before a database. */
export async function startPgBouncer(databaseUrl: string, options: PgBouncerOptions = {}): Promise<TestPgBouncer> {
  const program = inject('pgBouncer');
  if (program === null) throw new Error('startPgBouncer belongs inside describeWithPgBouncer.');
  const home = createTemporaryFolder('token-broker-test-pgbouncer-');
  const file = join(home, 'pgbouncer.ini');
  const port = await freePort();
  writeFileSync(file, configuration(new URL(databaseUrl), port, options), { mode: 0o600 });
  // PgBouncer refuses to run as root.
  const user = databaseUser('');
  if (user !== undefined) for (const path of [home, file]) chownSync(path, user.uid, user.gid);
  let child: ChildProcess | undefined;
  const abandon = () => child?.kill('SIGKILL');
  process.once('exit', abandon);

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const pooler: TestPgBouncer = {
    url: url.href,
    start: async () => {
      const output: string[] = [];
      const started = spawn(program, [file], { stdio: ['ignore', 'ignore', 'pipe'], ...user });
      started.stderr.setEncoding('utf8').on('data', (text: string) => output.length < 50 && output.push(text));
      child = started;
      const until = Date.now() + startLimitMs;
      while (!(await accepts(port))) {
        if (started.exitCode !== null || Date.now() > until)
          throw new Error(`PgBouncer did not start:\n${output.join('')}`);
        await sleep(20);
      }
    },
    kill,
    remove: async () => {
      process.off('exit', abandon);
      await kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
  await pooler.start();
  return pooler;
}

function configuration(
  { hostname, port, username, password }: URL,
  listenPort: number,
  { poolSize = 3, poolMode = 'transaction' }: PgBouncerOptions,
): string {
  const server = { host: hostname, port: port || '5432', user: username, password };
  const target = Object.entries(server).map(([name, value]) => `${name}='${decodeURIComponent(value)}'`);
  return [
    '[databases]',
    `* = ${target.join(' ')}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${listenPort}`,
    'unix_socket_dir =',
    // The user and the password of the server are in the line above, whatever the client sends.
    'auth_type = any',
    `pool_mode = ${poolMode}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 1000',
    '',
  ].join('\n');
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.once('error', () => resolve(false));
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  return promise;
}
