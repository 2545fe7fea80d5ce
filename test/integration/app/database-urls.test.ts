import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namingVariable } from '../../../src/app/diagnosis/database-access.ts';
import { ConfigurationError, loadConfig } from '../../../src/config.ts';
import { superuser } from '../../../src/embedded/cluster/cluster.ts';
import { readServerFacts } from '../../../src/postgres/server-facts.ts';
import { awkwardPassword, startTlsPostgres, type TlsPostgres } from '../../support/postgres/tls-server.ts';
import { freePort } from '../../support/processes/free-port.ts';

let server: TlsPostgres;
let freedPort: number;
beforeAll(async () => {
  server = await startTlsPostgres();
  freedPort = await freePort();
});
afterAll(() => server.stop());

const environment = {
  PUBLIC_URL: 'https://broker.example',
  ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 7).toString('base64')}`,
};
const password = encodeURIComponent(awkwardPassword);

interface Target {
  user?: string;
  password?: string;
  host?: string;
  port?: number;
  database?: string;
  query?: string;
}

function urlOf({ user = superuser, host = '127.0.0.1', database = 'postgres', query = '', ...rest }: Target): string {
  const filled = query.replace(/\{(\w+)\}/g, (_, name: keyof TlsPostgres['files']) => server.files[name]);
  return `postgres://${user}:${rest.password ?? password}@${host}:${rest.port ?? server.port}/${database}?${filled}`;
}

/** Reads the URL as the service does, connects, and returns whether the connection has TLS. */
async function connect(url: string): Promise<boolean> {
  const connectionString = loadConfig({ ...environment, DATABASE_URL: url }).databaseUrl?.reveal() ?? '';
  await namingVariable('DATABASE_URL', () => readServerFacts(connectionString));
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  await client.end();
  return rows[0].ssl;
}

async function failureOf(url: string): Promise<string> {
  const { message } = await connect(url).then(
    () => new Error('it connects'),
    (error: Error) => error,
  );
  for (const secret of [awkwardPassword, password, 'hunter']) expect(message).not.toContain(secret);
  return message;
}

describe('sslmode means the same as with libpq', () => {
  test.each<[title: string, target: Target, usesTls: boolean]>([
    ['without sslmode there is no TLS', {}, false],
    ['disable', { query: 'sslmode=disable' }, false],
    ['require checks no certificate', { query: 'sslmode=require', host: '127.0.0.2' }, true],
    ['require of a role that must use TLS', { user: 'tls_only', query: 'sslmode=require' }, true],
    ['require with a CA checks the CA', { query: 'sslmode=require&sslrootcert={ca}' }, true],
    ['verify-ca checks no host', { query: 'sslmode=verify-ca&sslrootcert={ca}', host: '127.0.0.2' }, true],
    ['verify-full', { query: 'sslmode=verify-full&sslrootcert={ca}' }, true],
    ['verify-full by name', { query: 'sslmode=verify-full&sslrootcert={ca}', host: 'localhost' }, true],
    [
      'a client certificate',
      { user: 'certified', query: 'sslmode=verify-full&sslrootcert={ca}&sslcert={clientCert}&sslkey={clientKey}' },
      true,
    ],
  ])('%s', async (_, target, usesTls) => {
    expect(await connect(urlOf(target))).toBe(usesTls);
  });

  test('a socket is reached through the parameter host', async () => {
    const folder = encodeURIComponent(server.socketFolder);
    const tail = `postgres?host=${folder}&port=${server.port}`;
    expect(await connect(`postgresql://${superuser}:${password}@/${tail}`)).toBe(false);
    expect(await connect(`postgresql:///${tail}&user=${superuser}&password=${password}`)).toBe(false);
  });
});

test.each<[title: string, target: Target, message: string]>([
  ['a wrong password', { password: 'hunter3' }, 'the user or the password is wrong'],
  ['an unknown user', { user: 'no_one' }, 'the user or the password is wrong'],
  ['no password', { password: '' }, 'the server requires a password, and the URL has none'],
  ['an unknown database', { database: 'no_such' }, 'the database does not exist'],
  ['an unknown host', { host: 'no-such-host.invalid' }, 'the host is not known'],
  ['a port without a server', { port: 1 }, 'the port refuses connections'],
  ['a role that must use TLS', { user: 'tls_only' }, 'check the user, and whether it requires TLS (sslmode)'],
  [
    'a role without its client certificate',
    { user: 'certified', query: 'sslmode=require' },
    'or a client certificate (sslcert)',
  ],
  [
    'a client certificate of another CA',
    { user: 'certified', query: 'sslmode=require&sslcert={strangerCert}&sslkey={strangerKey}' },
    'the TLS handshake failed: check the port, sslcert and sslkey',
  ],
  [
    'a certificate of another CA',
    { query: 'sslmode=verify-ca&sslrootcert={otherCa}' },
    'not signed by a known CA: name the file of its CA with sslrootcert',
  ],
  ['a certificate of an unknown CA', { query: 'sslmode=verify-full' }, 'not signed by a known CA'],
  ['require with another CA', { query: 'sslmode=require&sslrootcert={otherCa}' }, 'not signed by a known CA'],
  [
    'a certificate for another host',
    { host: '127.0.0.2', query: 'sslmode=verify-full&sslrootcert={ca}' },
    'the certificate of the server is for another host',
  ],
])('%s is named with the part of the URL to check', async (_, target, message) => {
  const failure = await failureOf(urlOf({ ...target, ...(target.port === 1 && { port: freedPort }) }));
  expect(failure).toMatch(/^DATABASE_URL: /);
  expect(failure).toContain(message);
});

test('a folder without a socket is named', async () => {
  expect(await failureOf(`postgresql:///postgres?host=/tmp&user=x&port=${freedPort}`)).toContain(
    'the socket folder holds no socket of a server',
  );
});

test('a certificate file that disappears is named', async () => {
  const url = `postgres://u:p@127.0.0.1:${server.port}/x?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=/no/such`;
  await expect(namingVariable('DATABASE_LISTEN_URL', () => readServerFacts(url))).rejects.toThrow(
    'DATABASE_LISTEN_URL: a certificate file cannot be read: check sslrootcert, sslcert and sslkey.',
  );
  expect(() => loadConfig({ ...environment, DATABASE_URL: url })).toThrow(ConfigurationError);
});
