import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { createTestDatabase } from '../../../support/postgres/database.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: Client;
beforeAll(async () => {
  stores = await openTestStores();
  client = new Client({ connectionString: stores.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});
beforeEach(() => client.query('truncate workers, sweeps'));

const age = (id: string, seconds: number) =>
  client.query(`update workers set seen_at = seen_at - $2 * interval '1 second' where id = $1`, [id, seconds]);
const ids = async () => (await client.query('select id from workers order by id')).rows.map(({ id }) => id);

test('only workers with a recent heartbeat count, and a removed worker does not', async () => {
  expect(await stores.workers.state()).toEqual({ workers: 0, workingSince: null, lastSweepAt: null });
  for (const id of ['a', 'b', 'c']) await stores.workers.beat(id, true);
  expect((await stores.workers.state()).workers).toBe(3);
  await age('a', 21);
  expect((await stores.workers.state()).workers).toBe(2);
  await stores.workers.remove('b');
  expect((await stores.workers.state()).workers).toBe(1);
  await stores.workers.beat('a', false);
  expect((await stores.workers.state()).workers).toBe(2);
});

test('heartbeats keep the start of a worker, and a new process with the same id replaces it', async () => {
  await stores.workers.beat('a', true);
  const { workingSince } = await stores.workers.state();
  await stores.workers.beat('a', false);
  expect((await stores.workers.state()).workingSince).toEqual(workingSince);
  await client.query("update workers set started_at = started_at - interval '1 day'");
  await stores.workers.beat('a', true);
  expect((await stores.workers.state()).workingSince?.getTime()).toBeGreaterThanOrEqual(workingSince?.getTime() ?? 0);
});

test('rows of workers that ended without removing them are deleted', async () => {
  for (let worker = 0; worker < 20; worker += 1) await stores.workers.beat(`dead-${worker}`, true);
  await client.query("update workers set seen_at = seen_at - interval '11 minutes'");
  await stores.workers.beat('late', true);
  await age('late', 3600);
  await Promise.all(['late', 'b', 'c'].map((id) => stores.workers.beat(id, false)));
  expect(await ids()).toEqual(['b', 'c', 'late']);
});

test('the last sweep is the one that ended last', async () => {
  for (const id of [1, 2, 3].map((digit) => `00000000-0000-7000-8000-00000000000${digit}`)) {
    await stores.sweeps.begin(id, 0);
    if (!id.endsWith('3')) await stores.sweeps.finish(id, { found: 0, enqueued: 0 });
  }
  const { rows } = await client.query("select finished_at from sweeps where id::text like '%2'");
  expect((await stores.workers.state()).lastSweepAt).toEqual(rows[0].finished_at);
});

test('a database that waits to be migrated has no workers', async () => {
  const { url, drop } = await createTestDatabase();
  const postgres = createPostgres({ connectionString: url, poolMax: 3, onError: () => {} });
  try {
    expect(await postgres.workers.state()).toEqual({ workers: 0, workingSince: null, lastSweepAt: null });
  } finally {
    await postgres.close();
    await drop();
  }
});
