import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../../../src/postgres/driver/migrate.ts';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/postgres/database.ts';
import { describeWithPgBouncer, startPgBouncer, type TestPgBouncer } from '../../../support/postgres/pgbouncer.ts';
import { runEveryOperation } from '../every-operation.ts';

const poolSize = 3;
const serviceNames = `application_name like 'token-broker%'`;

describeWithPgBouncer('stores behind a transaction pooler', () => {
  let database: TestDatabase;
  let pooler: TestPgBouncer;
  const opened: Postgres[] = [];
  const errors: unknown[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
    pooler = await startPgBouncer(database.url, { poolSize });
    await migrate(pooler.url);
    for (let count = 0; count < 3; count++) opened.push(open());
  });
  afterAll(async () => {
    for (const postgres of opened) await postgres.close();
    await pooler?.remove();
    await database?.drop();
  });

  function open(): Postgres {
    return createPostgres({
      connectionString: pooler.url,
      listenConnectionString: database.url,
      pooler: 'transaction',
      poolMax: 10,
      onError: (error) => errors.push(error),
    });
  }

  /** Runs a statement on each server connection of the pooler at once, so that none of them serves it twice. */
  async function onEveryServer<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
    const clients = Array.from({ length: poolSize }, () => new pg.Client({ connectionString: pooler.url }));
    try {
      for (const client of clients) {
        await client.connect();
        await client.query('begin');
      }
      return (await Promise.all(clients.map((client) => client.query<Row>(statement)))).flatMap(({ rows }) => rows);
    } finally {
      for (const client of clients) await client.end();
    }
  }

  /** Runs every operation at one process after another, because two at once would disturb each other's rows. All read. */
  async function useEveryProcess(): Promise<void> {
    let isOver = false;
    const query = { organizationId: 'acme', connectionName: 'unknown', subject: null, accountId: null };
    const reads = opened.flatMap((postgres) =>
      Array.from({ length: 2 }, async () => {
        while (!isOver) await postgres.credentials.findStored(query);
      }),
    );
    try {
      for (const postgres of opened) await runEveryOperation(postgres);
    } finally {
      isOver = true;
    }
    await Promise.all(reads);
  }

  test('several processes run every operation of every store on three server connections', async () => {
    await useEveryProcess();
    expect(errors).toEqual([]);
  });

  test('server connections keep no prepared statement, setting, lock, channel or temporary table', async () => {
    await useEveryProcess();
    await Promise.all(opened.map((postgres) => postgres.clock.synchronize()));
    // A pooler sets the first of these itself, to what the client announced at its start.
    const rows = await onEveryServer(`select
      (select count(*)::int from pg_prepared_statements) as statements,
      array(select name from pg_settings where source = 'session'
        and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')) as settings,
      (select count(*)::int from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())) as locks,
      (select count(*)::int from pg_listening_channels()) as channels,
      (select count(*)::int from pg_class where relpersistence = 't') as tables`);
    const nothing = { statements: 0, settings: [], locks: 0, channels: 0, tables: 0 };
    expect(rows).toEqual(Array.from({ length: poolSize }, () => nothing));
  });

  test('a transaction that waits for a lock ends at the statement timeout', async () => {
    const impatient = createPostgres({
      connectionString: pooler.url,
      listenConnectionString: database.url,
      pooler: 'transaction',
      poolMax: 4,
      statementTimeoutMs: 300,
      onError: () => {},
    });
    const blocking = new pg.Client({ connectionString: database.url });
    await blocking.connect();
    try {
      await blocking.query('begin; lock table sweeps');
      await expect(impatient.sweeps.begin('018f0000-0000-7000-8000-000000000000', 0)).rejects.toMatchObject({
        code: 'service_unavailable',
      });
      const { rows } = await blocking.query(
        `select pid from pg_stat_activity where wait_event_type = 'Lock' and ${serviceNames}`,
      );
      expect(rows).toEqual([]);
    } finally {
      await blocking.end();
      await impatient.close();
    }
  });
});
