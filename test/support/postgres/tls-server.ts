import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { locateBinaries } from '../../../src/embedded/cluster/binaries.ts';
import { initCluster, startCluster, superuser } from '../../../src/embedded/cluster/cluster.ts';
import { stopPostmaster } from '../../../src/embedded/cluster/postmaster.ts';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { certify } from '../oauth-server/certificates.ts';
import { freePort } from '../processes/free-port.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

/** Password of every role. Holds each character that a URL gives another meaning. */
export const awkwardPassword = 'hunter2#@/?%: &=+é';

export interface TlsPostgres {
  port: number;
  socketFolder: string;
  /** Paths: CA of the server, another CA, and a client certificate of the first. */
  files: {
    ca: string;
    otherCa: string;
    clientCert: string;
    clientKey: string;
    strangerCert: string;
    strangerKey: string;
  };
  stop(): Promise<void>;
}

/**
 * Starts a server with TLS on every address of loopback, and a socket. Its certificate is for localhost and 127.0.0.1.
 * The role tls_only must use TLS, and the role certified needs a client certificate.
 */
export async function startTlsPostgres(): Promise<TlsPostgres> {
  const user = databaseUser('');
  const home = createTemporaryFolder('token-broker-tls-postgres-');
  const file = (name: string, content: string, isPrivate = false) => {
    const path = join(home, name);
    writeFileSync(path, content, { mode: isPrivate ? 0o600 : 0o644 });
    if (user !== undefined) chownSync(path, user.uid, user.gid);
    return path;
  };
  const ca = certify('Test CA', { isAuthority: true });
  const [server, client] = [certify('localhost', { issuer: ca }), certify('certified', { issuer: ca })];
  const stranger = certify('certified');
  const files = {
    ca: file('ca.pem', ca.cert),
    otherCa: file('other-ca.pem', certify('Other CA', { isAuthority: true }).cert),
    clientCert: file('client.pem', client.cert),
    clientKey: file('client.key', client.key, true),
    strangerCert: file('stranger.pem', stranger.cert),
    strangerKey: file('stranger.key', stranger.key, true),
  };
  const socketFolder = join(home, 'a socket');
  mkdirSync(socketFolder, { mode: 0o755 });
  if (user !== undefined) chownSync(socketFolder, user.uid, user.gid);
  const directory = join(home, 'data');
  const cluster = { directory, user, binaries: locateBinaries(user, home), logFile: join(home, 'postgres.log') };
  await initCluster(cluster, awkwardPassword, false);
  const rules = [
    'local all all scram-sha-256',
    'hostssl all certified 127.0.0.0/8 cert',
    'hostssl all tls_only 127.0.0.0/8 scram-sha-256',
    'hostnossl all tls_only 127.0.0.0/8 reject',
    'host all all 127.0.0.0/8 scram-sha-256',
  ];
  writeFileSync(join(directory, 'pg_hba.conf'), `${rules.join('\n')}\n`);
  const settings = {
    fsync: 'off',
    listen_addresses: '*',
    unix_socket_directories: `"${socketFolder}"`,
    ssl: 'on',
    ssl_cert_file: file('server.pem', server.cert),
    ssl_key_file: file('server.key', server.key, true),
    ssl_ca_file: files.ca,
  };
  const port = await freePort();
  const running = await startCluster(cluster, settings, { port });
  const admin = new pg.Client({
    host: '127.0.0.1',
    port,
    user: superuser,
    password: awkwardPassword,
    database: 'postgres',
  });
  await admin.connect();
  const quoted = pg.escapeLiteral(awkwardPassword);
  for (const role of ['tls_only', 'certified']) await admin.query(`create role ${role} login password ${quoted}`);
  await admin.end();
  return {
    port,
    socketFolder,
    files,
    stop: async () => {
      await stopPostmaster(running.pid);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
