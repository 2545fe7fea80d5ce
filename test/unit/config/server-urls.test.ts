import { rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigurationError, loadConfig } from '../../../src/config.ts';
import { certify } from '../../support/oauth-server/certificates.ts';
import { createTemporaryFolder } from '../../support/processes/temporary-folder.ts';

const folder = createTemporaryFolder('token-broker-urls-');
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const [own, other] = [certify('client'), certify('other')];
const files = {
  cert: file('cert.pem', own.cert),
  key: file('key.pem', own.key),
  otherKey: file('other.pem', other.key),
  text: file('text', 'no certificate'),
  locked: file('locked.pem', '-----BEGIN ENCRYPTED PRIVATE KEY-----\n'),
};
const server = {
  PUBLIC_URL: 'https://broker.example',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
};

function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig({ ...server, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message).not.toMatch(/hunter|s3cret/);
    return error.faults.map(({ variable, message }) => `${variable}: ${message}`);
  }
}

/** Reads a URL as the driver of the database does. */
function connectionOf(url: string) {
  const connectionString = loadConfig({ ...server, DATABASE_URL: url }).databaseUrl?.reveal() ?? '';
  const { user, password, host, port, database, ssl } = new pg.Client({ connectionString });
  return { user, password, host, port, database, ssl };
}

const db = 'postgres://u:hunter2@db/x';

test.each([
  ['a trailing space', `${db} `, 'ends with a space or line end'],
  ['a line end', `${db}\n`, 'ends with a space or line end'],
  ['a leading space', ` ${db}`, 'begins with a space or line end'],
  ['quotation marks', `"${db}"`, 'is in quotation marks'],
  ['a space inside', 'postgres://u:hunter 2@db/x', 'holds a space or line end: write %20'],
  ['another scheme', 'mysql://u:hunter2@db/x', 'must be a URL that begins with postgresql:// or postgres://'],
  ['a list of keywords', 'host=db password=hunter2', 'must be a URL that begins with'],
  ['# in the password', 'postgres://u:hunter#2@db/x', 'an unencoded #, probably in the password: write # as %23'],
  ['@ in the password', 'postgres://u:hunter@2@db/x', 'an unencoded @, probably in the password: write @ as %40'],
  ['/ in the password', 'postgres://u:hunter/2@db/x', 'an unencoded /, probably in the password: write / as %2F'],
  ['? in the password', 'postgres://u:hunter?2@db/x', 'an unencoded ?, probably in the password: write ? as %3F'],
  ['% in the password', 'postgres://u:hunter%2@db/x', 'an unencoded %, probably in the password: write % as %25'],
  ['@ and / in the password', 'postgres://u:hun@ter/2@db/x', 'write @ as %40 and / as %2F'],
  ['@ and ? in the password', 'postgres://u:hun@ter?2@db/x', 'write @ as %40 and ? as %3F'],
  ['? and = in the password', 'postgres://u:hunter@b/x?s3cret=1', 'has parameter 1, which is not supported: remove it'],
  ['bytes that are not UTF-8', 'postgres://u:hunter%ff@db/x', 'percent-encoded bytes that are not UTF-8'],
  ['two hosts', 'postgres://u:hunter2@db1,db2/x', 'names several hosts'],
  ['two hosts with ports', 'postgres://u:hunter2@db1:1,db2:2/x', 'names several hosts'],
  ['two hosts as a parameter', 'postgres://u:hunter2@/x?host=db1,db2', 'names several hosts'],
  ['no host', 'postgres://u:hunter2@/x', 'has no host'],
  ['no user', 'postgres://db/x', 'has no user'],
  ['no database', 'postgres://u:hunter2@db', 'has no database name'],
  ['a slash for a database', 'postgres://u:hunter2@db/', 'has no database name'],
  ['a port too large', 'postgres://u:hunter2@db:70000/x', 'has a port that is no number from 1 to 65535'],
  ['a port of letters', 'postgres://u:hunter2@db:port/x', 'has a port that is no number from 1 to 65535'],
  ['a bare IPv6 address', 'postgres://u:hunter2@fd00::1/x', 'has a port that is no number from 1 to 65535'],
  [
    'an unsupported parameter',
    `${db}?target_session_attrs=any`,
    'has the parameter target_session_attrs, which is not',
  ],
  ['a parameter twice', `${db}?sslmode=require&sslmode=disable`, 'names the parameter sslmode twice'],
  ['ssl of other drivers', `${db}?ssl=true`, 'write sslmode=require in its place'],
  ['sslmode allow', `${db}?sslmode=allow`, 'permits an unencrypted connection'],
  ['sslmode prefer', `${db}?sslmode=prefer`, 'permits an unencrypted connection'],
  ['an unknown sslmode', `${db}?sslmode=no-verify`, 'has an unknown sslmode'],
  ['verify-ca without a CA', `${db}?sslmode=verify-ca`, 'has sslmode=verify-ca without sslrootcert'],
  ['system roots without verify-full', `${db}?sslmode=require&sslrootcert=system`, 'requires sslmode=verify-full'],
  ['a CA without TLS', `${db}?sslrootcert=${files.cert}`, 'has certificate files without TLS'],
  ['TLS on a socket', 'postgres:///x?host=/run&sslmode=require', 'has an sslmode for a socket'],
  ['a missing CA', `${db}?sslmode=verify-full&sslrootcert=/no/such`, 'with sslrootcert that cannot be read (ENOENT)'],
  [
    'a CA that is no PEM',
    `${db}?sslmode=verify-full&sslrootcert=${files.text}`,
    'sslrootcert that holds no certificate',
  ],
  ['a certificate without key', `${db}?sslmode=require&sslcert=${files.cert}`, 'has sslcert without sslkey'],
  ['a key without certificate', `${db}?sslmode=require&sslkey=${files.key}`, 'has sslkey without sslcert'],
  [
    'a key of another certificate',
    `${db}?sslmode=require&sslcert=${files.cert}&sslkey=${files.otherKey}`,
    'has an sslkey that does not belong to its sslcert',
  ],
  [
    'an encrypted key',
    `${db}?sslmode=require&sslcert=${files.cert}&sslkey=${files.locked}`,
    'names an sslkey that is encrypted',
  ],
])('a database URL with %s is refused with one message', (_, url, message) => {
  for (const variable of ['DATABASE_URL', 'DATABASE_LISTEN_URL', 'DATABASE_MIGRATE_URL']) {
    const faults = faultsOf({ DATABASE_URL: db, [variable]: url });
    expect(faults).toEqual([expect.stringContaining(message)]);
    expect(faults[0]).toMatch(new RegExp(`^${variable}: `));
  }
});

describe('the driver reads a database URL as libpq does', () => {
  const plain = { user: 'u', password: 'hunter2', host: 'db', port: 5432, database: 'x', ssl: false };
  test.each([
    [db, plain],
    ['postgresql://u:hunter2@db:6000/x', { ...plain, port: 6000 }],
    ['postgres://db/x?user=u&password=hunter2&port=6000', { ...plain, port: 6000 }],
    ['postgres://u:hunter2@db?dbname=x', plain],
    ['postgres://u:hunter2@[fd00::1]:6000/x', { ...plain, host: 'fd00::1', port: 6000 }],
    ['postgres://u%40a:h%23%40%2F%3F%25%3A%20+@db/x', { ...plain, user: 'u@a', password: 'h#@/?%: +' }],
    ['postgres://u:a:b@db/x', { ...plain, password: 'a:b' }],
    ['postgres://u:hunter2@db/a%20b-%C3%A9%3B%26', { ...plain, database: 'a b-é;&' }],
    ['postgres://u:hunter2@%2Frun%2Fpostgresql/x', { ...plain, host: '/run/postgresql' }],
    ['postgresql://u:hunter2@/x?host=/run/postgresql', { ...plain, host: '/run/postgresql' }],
    ['postgresql:///x?host=/run/a%20b', { ...plain, user: userInfo().username, password: null, host: '/run/a b' }],
  ])('%s', (url, expected) => {
    expect(connectionOf(url)).toEqual(expected);
  });

  test.each([
    ['disable', '', false],
    ['require', '', { rejectUnauthorized: false }],
    ['require', `&sslrootcert=${files.cert}`, { ca: own.cert, checkServerIdentity: expect.any(Function) }],
    ['verify-ca', `&sslrootcert=${files.cert}`, { ca: own.cert, checkServerIdentity: expect.any(Function) }],
    ['verify-full', `&sslrootcert=${files.cert}`, { ca: own.cert }],
    ['verify-full', '', {}],
    ['verify-full', '&sslrootcert=system', {}],
    ['verify-full', `&sslcert=${files.cert}&sslkey=${files.key}`, { cert: own.cert }],
    ['verify-full', '&uselibpqcompat=true', {}],
  ])('sslmode=%s%s', (mode, files, ssl) => {
    expect(connectionOf(`${db}?sslmode=${mode}${files}`).ssl).toEqual(ssl);
  });
});

const redis = 'redis://:hunter2@r:6379/0';

test.each([
  ['a trailing space', `${redis} `, 'ends with a space or line end'],
  ['another scheme', 'http://r', 'must be a URL that begins with redis:// or rediss://'],
  ['the scheme of a sentinel', 'redis+sentinel://:hunter2@r:26379/mymaster', 'without cluster or sentinel'],
  ['several hosts', 'redis://:hunter2@r1:1,r2:2/0', 'names several hosts'],
  ['several names', 'redis://:hunter2@r1,r2/0', 'names several hosts'],
  ['@ in the password', 'redis://:hunter@2@r/0', 'write @ as %40'],
  ['/ in the password', 'redis://:hunter/2@r/0', 'write / as %2F'],
  ['# in the password', 'redis://:hunter#2@r/0', 'write # as %23'],
  ['a password in place of the user', 'redis://hunter2@r/0', 'has a user without a password'],
  ['no host', 'redis:///0', 'has no host'],
  ['a database of letters', 'redis://:hunter2@r/cache', 'has a database that is no number'],
  ['parameters', 'redis://:hunter2@r/0?tls=true', 'TLS is rediss://'],
])('a Redis URL with %s is refused with one message', (_, url, message) => {
  const faults = faultsOf({ REDIS_URL: url });
  expect(faults).toEqual([expect.stringContaining(message)]);
  expect(faults[0]).toMatch(/^REDIS_URL: /);
});

test('a Redis URL keeps user, password, database and address family', () => {
  const url = 'rediss://u%40a:h%23%2F@r:6380/3?family=6';
  expect(loadConfig({ REDIS_URL: url }).redisUrl?.reveal()).toBe(url);
  expect(loadConfig({ REDIS_URL: 'redis://r' }).redisUrl?.reveal()).toBe('redis://r/');
});

test.each([
  ['a path', 'http://u:hunter2@proxy/x', 'has a path or parameters'],
  ['# in the password', 'http://u:hunter#2@proxy', 'write # as %23'],
])('a proxy URL with %s is refused with one message', (_, url, message) => {
  expect(faultsOf({ PROVIDER_PROXY_URL: url })).toEqual([expect.stringContaining(message)]);
});
