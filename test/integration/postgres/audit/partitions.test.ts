import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuditPartitions } from '../../../../src/postgres/audit/partitions.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createLimitedRole } from '../../../support/postgres/limited-role.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: pg.Client;

beforeEach(async () => {
  stores = await openTestStores();
  client = new pg.Client({ connectionString: stores.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await stores.end();
});

const keepAll = new Date(0);
const insertText =
  "insert into audit_events (time, actor, action, outcome, details) values ($1, 'a', 'grant.deleted', 'success', '{}')";
const insert = (time: Date | string, on = client) => on.query(insertText, [time]);
const partitions = async (): Promise<string[]> =>
  (await client.query('select name from audit_partitions() order by upper nulls last')).rows.map(({ name }) => name);
/** Maintains as a process with this connection string does. */
async function maintain(url: string, before: Date) {
  const pool = createPool({ connectionString: url, poolMax: 2, onError: () => {} });
  return createAuditPartitions({ db: createKysely(pool), sleep: () => sleep(20) })
    .maintain(before)
    .finally(() => pool.end());
}
/** Gives past months a partition, as an installation of that age has them, and no partition to earlier ones. */
async function addPast(): Promise<void> {
  const { rows } = await client.query("select upper from audit_partitions() where name = 'audit_events_before'");
  await client.query(`
    alter table audit_events detach partition audit_events_before;
    create table audit_events_2020_01 partition of audit_events for values from ('2020-01-01Z') to ('2020-02-01Z');
    alter table audit_events attach partition audit_events_before
      for values from ('2020-02-01Z') to ('${rows[0].upper.toISOString()}')`);
}

describe('partitions', () => {
  test('every month of the coming year has a partition, and a round creates none twice', async () => {
    const before = await partitions();
    expect(before).toHaveLength(14);
    expect(before.at(0)).toBe('audit_events_before');
    expect(before.at(-1)).toBe('audit_events_default');
    expect(await maintain(stores.url, keepAll)).toEqual({
      created: [],
      dropped: [],
      hasStrayEvents: false,
      mayDrop: true,
    });
    expect(await partitions()).toEqual(before);
  });

  test('processes that create the same partition at once both succeed', async () => {
    const [first, last] = (await partitions())
      .filter((name) => /\d{4}/.test(name))
      .filter((_, n) => n === 0 || n === 11);
    await client.query(`drop table ${first}; drop table ${last}`);
    const rounds = await Promise.all([1, 2, 3].map(() => maintain(stores.url, keepAll)));
    expect(rounds.flatMap(({ created }) => created).sort()).toEqual([first, last].sort());
  });

  test('an event of a month without a partition is stored, and the rounds say so', async () => {
    await insert('2099-01-01T00:00:00Z');
    expect(await maintain(stores.url, keepAll)).toMatchObject({ hasStrayEvents: true });
    expect((await client.query('select time from audit_events')).rowCount).toBe(1);
  });

  test('a month whose events are in the default partition stays there, and other months get theirs', async () => {
    const months = (await partitions()).filter((name) => /\d{4}/.test(name));
    const [, second = '', third = ''] = months;
    const inSecond = `${second.replace('audit_events_', '').replace('_', '-')}-15T00:00:00Z`;
    await client.query(`drop table ${second}; drop table ${third}`);
    await insert(inSecond);
    expect(await maintain(stores.url, keepAll)).toMatchObject({ created: [third], hasStrayEvents: true });
  });

  test('writers and readers go on while a partition is created, even beside a writer that does not end', async () => {
    const [, first = ''] = await partitions();
    await client.query(`drop table ${first}`);
    const writer = new pg.Client({ connectionString: stores.url });
    await writer.connect();
    try {
      await writer.query('begin');
      await insert(new Date(), writer);
      expect(await maintain(stores.url, keepAll)).toMatchObject({ created: [first] });
    } finally {
      await writer.end();
    }
  });
});

describe('retention', () => {
  test('drops a partition when all its events are older, keeps the next, and replaces an old default', async () => {
    await addPast();
    await insert('2020-01-31T23:59:59Z');
    await insert('2020-02-01T00:00:00Z');
    await insert('1999-01-01T00:00:00Z');
    expect(await maintain(stores.url, new Date('2020-01-31T23:59:59Z'))).toMatchObject({
      dropped: ['audit_events_default'],
      mayDrop: true,
    });
    expect((await client.query('select 1 from audit_events where time < $1', ['2020-02-01Z'])).rowCount).toBe(1);
    expect(await maintain(stores.url, new Date('2020-02-01T00:00:00Z'))).toMatchObject({
      dropped: ['audit_events_2020_01'],
      hasStrayEvents: false,
    });
    await insert(new Date());
    await expect(client.query('truncate audit_events_default')).rejects.toThrow('append only');
  });

  test('waits for writers without holding others up, and drops when they end', async () => {
    await addPast();
    const writer = new pg.Client({ connectionString: stores.url });
    await writer.connect();
    await writer.query('begin');
    await insert(new Date(), writer);
    const round = maintain(stores.url, new Date('2020-02-01Z'));
    // Each of these would wait for the writer if the change of partitions queued for its lock without a limit.
    for (let n = 0; n < 30; n++) {
      await insert(new Date());
      await sleep(20);
    }
    await writer.query('commit');
    await writer.end();
    expect(await round).toMatchObject({ dropped: ['audit_events_2020_01'] });
  });

  test('a role that the owner has not let drop partitions gets its partitions, and drops none', async () => {
    const role = await createLimitedRole(stores.url);
    try {
      const [, first = ''] = await partitions();
      await client.query(`drop table ${first}`);
      await addPast();
      await insert('1999-01-01T00:00:00Z');
      // After an upgrade the role has rights to the parent only.
      await client.query(`revoke all on ${(await partitions()).join(', ')} from ${role.name}`);
      expect(await maintain(role.url, new Date('2000-01-01Z'))).toEqual({
        created: [first],
        dropped: [],
        hasStrayEvents: true,
        mayDrop: false,
      });
      const limited = new pg.Client({ connectionString: role.url });
      await limited.connect();
      await expect(limited.query("select drop_audit_partitions('2000-01-01Z')")).rejects.toThrow('denied');
      await insert(new Date(), limited);
      await limited.end();
    } finally {
      await role.drop();
    }
  });
});

test('no statement changes or removes an event, whichever table it names', async () => {
  await insert(new Date());
  for (const table of ['audit_events', ...(await partitions())]) {
    await expect(client.query(`truncate ${table}`), table).rejects.toThrow('append only');
  }
  for (const table of ['audit_events', 'audit_events_before']) {
    await expect(client.query(`update ${table} set actor = 'b'`), table).rejects.toThrow('append only');
    await expect(client.query(`delete from ${table}`), table).rejects.toThrow('append only');
  }
});

test('ids are unique and grow over partitions', async () => {
  for (const time of ['2099-01-01Z', new Date(), '1999-01-01Z', new Date()]) await insert(time);
  const { rows } = await client.query('select id from audit_events order by id');
  expect(new Set(rows.map(({ id }) => id)).size).toBe(4);
});
