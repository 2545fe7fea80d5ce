import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { migrate } from '../../../src/postgres/driver/migrate.ts';
import { readServerFacts } from '../../../src/postgres/server-facts.ts';
import { type BrokerProcess, spawnBroker } from '../../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../../support/processes/data-dir.ts';
import { freePort } from '../../support/processes/free-port.ts';

const patience = { timeout: 25_000, interval: 50 };
const keys = { ENCRYPTION_KEYS: `k:${randomBytes(32).toString('base64')}`, ADMIN_API_KEY: 'a'.repeat(32) };

let dataDir: DataDir;
let admin: pg.Client;
let name: string;
let brokers: BrokerProcess[];
beforeEach(async () => {
  dataDir = createDataDir();
  name = `causes_${randomBytes(6).toString('hex')}`;
  brokers = [];
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`create role ${name} login password 'right'`);
});
afterEach(async () => {
  for (const broker of brokers) if (broker.isRunning()) await broker.stop();
  await admin.query(`drop database if exists ${name} with (force)`);
  await admin.query(`drop role ${name}`);
  await admin.end();
  await dataDir.remove();
});

function urlOf({ password = 'right', query = '' } = {}): string {
  const url = new URL(inject('postgresUrl'));
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  return `${url.href}${query}`;
}

async function spawn(databaseUrl: string, env: Record<string, string> = {}, command = 'serve'): Promise<BrokerProcess> {
  const port = await freePort();
  const broker = spawnBroker({
    dataDir: dataDir.path,
    port,
    command,
    env: { ...keys, DATABASE_URL: databaseUrl, ...env },
  });
  brokers.push(broker);
  return broker;
}

async function readinessOf(broker: BrokerProcess): Promise<unknown> {
  const response = await fetch(`${broker.url}/readyz`).catch(() => undefined);
  return response?.json();
}

/** Runs a statement in the database of the test. */
async function sql(statement: string): Promise<pg.QueryResult> {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client.query(statement).finally(() => client.end());
}

test('while the password is wrong the start waits, names the part of the URL once, and goes on when it is right', async () => {
  await admin.query(`create database ${name} owner ${name}`);
  const broker = await spawn(urlOf({ password: 'hunter2' }));
  const reason = 'DATABASE_URL: the user or the password is wrong.';
  await expect.poll(() => readinessOf(broker), patience).toMatchObject({ status: 'not_ready', reason });
  // Several attempts are made meanwhile.
  await expect.poll(async () => (await admin.query('select 1')).rowCount, { timeout: 5_000 }).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(broker.logs().match(/not ready yet/g)).toHaveLength(1);
  expect(broker.logs()).toContain(reason);
  expect(broker.logs()).not.toContain('hunter2');
  await admin.query(`alter role ${name} password 'hunter2'`);
  await broker.ready();
  expect(await readinessOf(broker)).toMatchObject({ status: 'ready', reason: null });
});

test('while only DATABASE_LISTEN_URL is wrong, the start waits and names it', async () => {
  await admin.query(`create database ${name} owner ${name}`);
  const broker = await spawn(urlOf(), { DATABASE_LISTEN_URL: urlOf({ password: 'hunter2' }) });
  const reason = 'DATABASE_LISTEN_URL: the user or the password is wrong.';
  await expect.poll(() => readinessOf(broker), patience).toMatchObject({ database: true, reason });
});

describe('a start that no retry helps', () => {
  test('names the grants that a role lacks, with which a migration works', async () => {
    await admin.query(`create database ${name}`);
    const broker = await spawn(urlOf());
    expect(await broker.ended).toEqual([1, null]);
    const commands = broker.logs().match(/GRANT CREATE ON (SCHEMA|DATABASE) \\?"\w+\\?" TO \\?"\w+\\?"/g) ?? [];
    const grants = [...new Set(commands.map((command) => command.replaceAll('\\', '')))];
    expect(grants).toEqual([
      `GRANT CREATE ON SCHEMA "public" TO "${name}"`,
      `GRANT CREATE ON DATABASE "${name}" TO "${name}"`,
    ]);
    for (const grant of grants) await sql(grant);
    const connectionString = urlOf();
    await expect(migrate(connectionString)).resolves.not.toEqual([]);
    await expect(readServerFacts(connectionString)).resolves.toMatchObject({ mayCreateSchemas: true });
  });

  test.each([
    ['LATIN1', 'serve'],
    ['LATIN1', 'migrate'],
    ['SQL_ASCII', 'migrate'],
  ])('names the encoding %s of the database, at the command %s, and makes no table', async (encoding, command) => {
    await admin.query(
      `create database ${name} owner ${name} encoding '${encoding}' template template0 locale_provider libc lc_collate 'C' lc_ctype 'C'`,
    );
    const broker = await spawn(urlOf(), {}, command);
    expect(await broker.ended).toEqual([1, null]);
    expect(broker.logs()).toContain(`DATABASE_URL: the encoding of the database is ${encoding}`);
    await expect(readServerFacts(urlOf())).resolves.toMatchObject({ encoding });
    await expect(sql('select from connections')).rejects.toMatchObject({ code: '42P01' });
  });

  test.each([
    ['names a wrong password of the command migrate', { password: 'hunter2' }, 'the user or the password is wrong.'],
    ['names a missing grant of the command migrate', {}, 'run GRANT CREATE ON SCHEMA "public"'],
  ])('%s', async (_, target, message) => {
    await admin.query(`create database ${name}`);
    const broker = await spawn(urlOf(target), {}, 'migrate');
    expect(await broker.ended).toEqual([1, null]);
    expect(broker.logs()).toContain('DATABASE_URL: ');
    expect(broker.logs()).toContain(message);
    expect(broker.logs()).not.toContain('hunter2');
  });
});

test('options of the URL and those of the queue in the database apply together', async () => {
  await admin.query(`create database ${name} owner ${name}`);
  await sql(`create schema app authorization ${name}`);
  const options = encodeURIComponent('-c search_path=app -c work_mem=5MB');
  const broker = await spawn(urlOf({ query: `?options=${options}` }));
  await broker.ready();
  await expect.poll(async () => (await fetch(`${broker.url}/health`)).json(), patience).toMatchObject({ queue: 'ok' });
  const tables = await sql(
    `select distinct table_schema as schema from information_schema.tables where table_name in ('grants', 'job') order by 1`,
  );
  expect(tables.rows).toEqual([{ schema: 'app' }, { schema: 'token_broker_jobs' }]);
});
