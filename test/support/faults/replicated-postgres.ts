import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { locateBinaries } from '../../../src/embedded/cluster/binaries.ts';
import { connectionString, initCluster } from '../../../src/embedded/cluster/cluster.ts';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';
import { stablePort } from './port.ts';

export interface ReplicatedServer {
  url: string;
  stop(): Promise<void>;
}

export interface ReplicatedPostgres {
  /** URL of the address that fails over. Leads to the primary at first. */
  url: string;
  primary: ReplicatedServer;
  /** A standby that streams from the primary. */
  replica: ReplicatedServer;
  /** Makes the replica a primary, with all that the primary has written. */
  promote(): Promise<void>;
  /** Moves the address. Connections that are open stay where they are, unless they are cut. */
  moveTo(server: ReplicatedServer, options: { cuts: boolean }): void;
  remove(): Promise<void>;
}

/** Starts a primary with a streaming replica, behind an address as a cluster manager moves it. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const user = databaseUser('');
  const home = createTemporaryFolder('token-broker-fault-replicas-');
  const directoryOf = (name: string) => join(home, name);
  const binaries = locateBinaries(user, home);
  const cluster = { directory: directoryOf('primary'), user, binaries, logFile: join(home, 'postgres.log') };
  const password = randomBytes(16).toString('base64url');
  await initCluster(cluster, password, false);
  await promisify(execFile)('cp', ['-a', directoryOf('primary'), directoryOf('replica')]);

  async function start(name: string, settings: string[]): Promise<ReplicatedServer> {
    const port = await stablePort();
    const options = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
    const child = spawn(
      binaries.postgres,
      ['-D', directoryOf(name), ...[...options, ...settings].flatMap((setting) => ['-c', setting])],
      { ...user, cwd: directoryOf(name), env: { LC_ALL: 'C', TZ: 'UTC' }, stdio: 'ignore', detached: true },
    );
    const ended = once(child, 'exit');
    const end = () => child.kill('SIGQUIT');
    process.once('exit', end);
    const url = connectionString({ port }, password);
    await untilReached(url);
    return {
      url,
      stop: async () => {
        process.off('exit', end);
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGQUIT');
        await ended;
      },
    };
  }

  const primary = await start('primary', ['wal_level=replica', 'wal_keep_size=256MB']);
  writeFileSync(join(directoryOf('replica'), 'standby.signal'), '');
  const { port } = new URL(primary.url);
  const source = `primary_conninfo=host=127.0.0.1 port=${port} user=broker password=${password}`;
  const replica = await start('replica', [source, 'wal_receiver_status_interval=1']);
  const address = await openAddress(primary);
  return {
    url: address.url,
    primary,
    replica,
    promote: async () => {
      await untilCaughtUp(primary, replica);
      await ask(replica, 'select pg_promote()');
    },
    moveTo: address.moveTo,
    remove: async () => {
      await address.close();
      await Promise.all([primary.stop(), replica.stop()]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function openAddress(first: ReplicatedServer) {
  let target = first;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target.url).port), '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.pipe(to);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('The address does not listen.');
  const url = new URL(first.url);
  url.port = String(bound.port);
  return {
    url: url.href,
    moveTo: (next: ReplicatedServer, { cuts }: { cuts: boolean }) => {
      target = next;
      if (cuts) for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function ask(server: ReplicatedServer, statement: string): Promise<Record<string, unknown>> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query(statement)).rows[0];
  } finally {
    await client.end();
  }
}

async function untilReached(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await ask({ url, stop: async () => {} }, 'select 1');
      return;
    } catch (error) {
      if (tries > 300) throw error;
      await sleep(100);
    }
  }
}

async function untilCaughtUp(primary: ReplicatedServer, replica: ReplicatedServer): Promise<void> {
  const { written } = await ask(primary, 'select pg_current_wal_lsn()::text as written');
  for (;;) {
    const { done } = await ask(replica, `select pg_last_wal_replay_lsn() >= '${written}'::pg_lsn as done`);
    if (done === true) return;
    await sleep(50);
  }
}
