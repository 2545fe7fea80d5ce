import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../src/app/log/log.ts';
import { migrateDatabase } from '../../src/app/migration/migrate-database.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { tableNames } from '../../src/postgres/tables.ts';
import { runEveryOperation } from '../integration/postgres/every-operation.ts';
import { createTwoRoles, type TwoRoles } from '../support/postgres/service-role.ts';
import { spawnBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { addConnection, connect, expectStatus, openScene, type Scene } from './scene.ts';

const patience = { timeout: 30_000 };
const acme = { organization: 'acme' };

let roles: TwoRoles;
let scene: Scene;
/** A session of the service's role. */
let session: pg.Client;

beforeAll(async () => {
  roles = await createTwoRoles();
  await migrate(roles);
  // The service itself never holds the URL of the owner.
  scene = await openScene({ DATABASE_URL: roles.serviceUrl });
  session = new pg.Client({ connectionString: roles.serviceUrl });
  await session.connect();
});
afterAll(async () => {
  await session?.end();
  await scene?.close();
  await roles?.drop();
});

/** Runs the command `migrate`, with the queue in the database. */
async function migrate({ serviceUrl, ownerUrl }: TwoRoles): Promise<void> {
  const dataDir = createDataDir();
  const urls = { DATABASE_URL: serviceUrl, DATABASE_MIGRATE_URL: ownerUrl };
  const keys = { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}` };
  const options = { dataDir: dataDir.path, port: await freePort(), command: 'migrate' };
  const command = spawnBroker({ ...options, env: { ...urls, ...keys } });
  const [code] = await command.ended;
  await dataDir.remove();
  expect(code, command.logs()).toBe(0);
}

describe('a service whose role owns nothing', () => {
  test('authorizes, serves, imports, refreshes, sweeps and deletes', async () => {
    const connection = await addConnection(scene, acme);
    await connect(scene, connection, { subject: 'ada' });
    const credential = `${connection.credential}?subject=ada`;
    const fetched = expectStatus(await scene.api.get(credential, acme), 200);
    const { status } = await scene.api.post(`${connection.path}/refresh`, { subject: 'ada' }, acme);
    expect(status).toBe(200);
    const { body } = expectStatus(await scene.api.get(credential, acme), 200);
    expect(body.access_token).not.toBe(fetched.body.access_token);

    const imported = { subject: 'bob', refresh_token: 'r', access_token: 'a', expires_in: 60 };
    expectStatus(await scene.api.post(`${connection.path}/grants`, imported, acme), 201);
    expectStatus(await scene.api.post('/admin/refresh/expiring'), 202);
    const bob = () => scene.api.get(`${connection.credential}?subject=bob`, acme);
    await expect.poll(async () => (await bob()).body.access_token, patience).toMatch(/^access-/);

    expectStatus(await scene.api.delete(connection.path, acme), 200);
    expect((await bob()).status).toBe(404);
  });

  test('registers, disables and enables workflows, and keeps the audit trail', async () => {
    const connection = await addConnection(scene, acme);
    await connect(scene, connection, { subject: 'ada' });
    const headers = { 'x-workflow-id': 'billing' };
    expectStatus(await scene.api.get(`${connection.credential}?subject=ada`, { ...acme, headers }), 200);
    const dependents = async () => (await scene.api.get(`${connection.path}/dependents`, acme)).text;
    await expect.poll(dependents, patience).toContain('billing');
    expectStatus(await scene.api.post('/workflows/billing/disable', { reason: 'x' }, acme), 200);
    expectStatus(await scene.api.post('/workflows/billing/enable', {}, acme), 200);
    const trail = async () => (await scene.api.get('/admin/audit-events?organization_id=acme&limit=200')).text;
    await expect.poll(trail, patience).toMatch(/credential\.fetched(.|\n)*connection\.created/);
    const queue = async () => (await scene.api.get('/health')).body.queue;
    await expect.poll(queue, patience).toBe('ok');
  });

  test('rotates the data key under its values', async () => {
    const connection = await addConnection(scene, acme);
    await connect(scene, connection, { subject: 'ada' });
    expectStatus(await scene.api.post('/admin/encryption/rotate'), 202);
    const progress = async () => (await scene.api.get('/admin/encryption')).text;
    await expect.poll(progress, patience).toContain('"state":"finished"');
    expectStatus(await scene.api.get(`${connection.credential}?subject=ada`, acme), 200);
  });

  test('drops audit partitions past the retention, and none of the last day whatever it asks for', async () => {
    const owner = new pg.Client({ connectionString: roles.ownerUrl });
    await owner.connect();
    const { rows } = await owner.query("select upper from audit_partitions() where name = 'audit_events_before'");
    await owner.query(`
      alter table audit_events detach partition audit_events_before;
      create table audit_events_2020_01 partition of audit_events for values from ('2020-01-01Z') to ('2020-02-01Z');
      alter table audit_events attach partition audit_events_before
        for values from ('2020-02-01Z') to ('${rows[0].upper.toISOString()}')`);
    await owner.end();
    const postgres = createPostgres({ connectionString: roles.serviceUrl, poolMax: 5, onError: () => {} });
    try {
      const dropped = ['audit_events_2020_01'];
      const done = await postgres.auditPartitions.maintain(new Date('2020-02-01Z'));
      expect(done).toMatchObject({ dropped, mayDrop: true });
    } finally {
      await postgres.close();
    }
    const count = async () => (await session.query('select count(*)::int as events from audit_events')).rows[0].events;
    const before = await count();
    await session.query("select drop_audit_partitions('infinity')");
    // The service may write the events of earlier fetches meanwhile.
    expect(await count()).toBeGreaterThanOrEqual(before);
    expect(before).toBeGreaterThan(0);
  });

  test('runs every statement of every store', async () => {
    // In a database of its own: a service would take over the rows that wait for a worker.
    const own = await createTwoRoles();
    try {
      await migrate(own);
      const postgres = createPostgres({ connectionString: own.serviceUrl, poolMax: 5, onError: () => {} });
      await runEveryOperation(postgres).finally(() => postgres.close());
    } finally {
      await own.drop();
    }
  });
});

describe('the role of the service', () => {
  const refused: string[] = [
    ...tableNames.flatMap((table) => [
      `alter table ${table} add column taken text`,
      `alter table ${table} disable trigger all`,
      `drop table ${table}`,
      `truncate ${table}`,
    ]),
    'create table taken (id int)',
    'create function taken() returns int language sql as $$select 1$$',
    'create schema taken',
    'create or replace function drop_audit_partitions(before timestamptz) returns text[] language sql as $$select null$$',
    'alter function drop_audit_partitions(timestamptz) security invoker',
    "update audit_events set actor = 'another'",
    'delete from audit_events',
    'drop table audit_events_default',
    'select from audit_events_default',
    "update settings set value = '1'",
    'delete from api_keys',
    'delete from token_broker_migration',
    'create table token_broker_jobs.taken (id int)',
    'alter table token_broker_jobs.job add column taken text',
    'drop table token_broker_jobs.job',
    'delete from token_broker_jobs.migration',
    'create role taken',
  ];

  test('is refused every change of a table, a function, a schema and the audit trail', async () => {
    const codes = new Map<string, string>();
    for (const statement of refused) {
      const failed = session.query(statement).then(
        () => 'done',
        ({ code }) => code,
      );
      codes.set(statement, await failed);
    }
    expect([...codes].filter(([, code]) => code !== '42501')).toEqual([]);
  });

  test('cannot become the owner of the tables', async () => {
    const owner = new URL(roles.ownerUrl).username;
    await expect(session.query(`set role ${owner}`)).rejects.toMatchObject({ code: '42501' });
    const owned = await session.query('select relname from pg_class where pg_has_role(relowner, $1) and relkind = $2', [
      'member',
      'r',
    ]);
    expect(owned.rows).toEqual([]);
  });

  test('loses at each migration what is not on the list, and a warning names what cannot be taken', async () => {
    const lines: string[] = [];
    const log = createLog('warn', { write: (line) => void lines.push(line) });
    const urls = { databaseMigrateUrl: new Secret(roles.ownerUrl), databaseListenUrl: null, redisUrl: null };
    const again = () => migrateDatabase(urls, new Secret(roles.serviceUrl), log);
    await roles.sql(`grant delete on audit_events to ${roles.role}`);
    expect(await again()).toEqual([]);
    await expect(session.query('delete from audit_events')).rejects.toMatchObject({ code: '42501' });
    expect(lines).toEqual([]);
    await roles.sql('grant create on schema public to public');
    await again();
    expect(lines.join('')).toContain('"powers":["create"]');
    await roles.sql('revoke create on schema public from public');
  });

  test('must be of the database that the owner migrates', async () => {
    const other = await createTwoRoles();
    try {
      const urls = { databaseMigrateUrl: new Secret(other.ownerUrl), databaseListenUrl: null, redisUrl: null };
      const migration = migrateDatabase(urls, new Secret(elsewhere(roles.serviceUrl)), createLog('silent'));
      await expect(migration).rejects.toThrow('DATABASE_URL: its role does not find the tables');
    } finally {
      await other.drop();
    }
  });
});

/** Names the database that every server has. */
function elsewhere(url: string): string {
  return Object.assign(new URL(url), { pathname: '/postgres' }).href;
}
