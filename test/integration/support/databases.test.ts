import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../../support/postgres/database.ts';
import { createTestRedis, describeWithRedis } from '../../support/redis/database.ts';

test('every test database is empty and apart from the others', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new Client({ connectionString: one.url });
  await client.connect();
  await client.query('create table seen (id int)');
  await client.end();
  const second = new Client({ connectionString: other.url });
  await second.connect();
  const { rows } = await second.query("select to_regclass('seen') as seen");
  await second.end();
  expect(rows).toEqual([{ seen: null }]);
  await Promise.all([one.drop(), other.drop()]);
});

describeWithRedis('the Redis of a run', () => {
  test('every test has a database of its own', async () => {
    const [one, other] = await Promise.all([createTestRedis(), createTestRedis()]);
    expect(one.url).not.toBe(other.url);
    const client = new Redis(one.url);
    expect(await client.set('a', 'b')).toBe('OK');
    client.disconnect();
    await Promise.all([one.drop(), other.drop()]);
  });
});
