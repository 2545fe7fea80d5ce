import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { createRoleDatabase, type RoleDatabase } from '../../../support/postgres/role.ts';

describe('the check of settings at the start', () => {
  let database: RoleDatabase;
  beforeAll(async () => {
    database = await createRoleDatabase();
    await migrate(database.url);
    await database.sql('create schema hostile; create table hostile.grants (id int)');
    await database.sql(`grant usage on schema hostile to ${new URL(database.url).username}`);
  });
  beforeEach(() => database.setDefaults({}));
  afterAll(() => database.drop());

  /** Behind a transaction pooler no session keeps what is set, so the defaults of the role are in force. */
  async function check(pooler: 'session' | 'transaction'): Promise<string> {
    const postgres = createPostgres({ connectionString: database.url, poolMax: 4, pooler, onError: () => {} });
    try {
      await postgres.checkSettings();
      return 'passed';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await postgres.close();
    }
  }

  test('passes under the defaults of the server', async () => {
    expect(await check('session')).toBe('passed');
    expect(await check('transaction')).toBe('passed');
  });

  test.each([
    ['array_nulls', 'off', "array_nulls = 'on'"],
    ['default_transaction_isolation', 'serializable', "default_transaction_isolation = 'read committed'"],
    ['default_transaction_read_only', 'on', "default_transaction_read_only = 'off'"],
    ['default_transaction_deferrable', 'on', "default_transaction_deferrable = 'off'"],
    ['standard_conforming_strings', 'off', "standard_conforming_strings = 'on'"],
    ['transform_null_equals', 'on', "transform_null_equals = 'off'"],
    ['statement_timeout', '1000', 'statement_timeout = 0'],
    ['lock_timeout', '1000', 'lock_timeout = 0'],
    ['idle_in_transaction_session_timeout', '1000', 'idle_in_transaction_session_timeout = 0'],
    ['search_path', 'hostile, public', 'search_path = "public"'],
    ['search_path', 'hostile', 'search_path = "public"'],
    ['search_path', '', 'search_path = "public"'],
  ])('names %s = %s behind a transaction pooler and the statement to run', async (name, value, mend) => {
    await database.setDefaults({ [name]: value });
    const message = await check('transaction');
    expect(message).toContain(`run: alter role "${new URL(database.url).username}" in database "`);
    expect(message).toContain(mend);
    expect(message).toContain(name);
    // A path to another schema may be meant for an installation of its own.
    if (value !== 'hostile') expect(await check('session')).toBe('passed');
    for (const statement of message.matchAll(/run: (alter role .*?)(?=; |\. Reconnect)/g)) {
      await database.sql(statement[1] ?? '');
    }
    expect(await check('transaction')).toBe('passed');
    await database.sql(
      `alter role ${new URL(database.url).username} in database ${new URL(database.url).pathname.slice(1)} reset all`,
    );
  });

  test('names every wrong setting in one message', async () => {
    await database.setDefaults({ array_nulls: 'off', lock_timeout: '10', DateStyle: 'German' });
    const message = await check('transaction');
    expect(message).toMatch(/array_nulls is off.*lock_timeout is 10 ms/);
    expect(message).not.toContain('DateStyle');
  });

  test('a longer limit than any statement takes is left as it is', async () => {
    await database.setDefaults({ statement_timeout: '60000', lock_timeout: '10000' });
    expect(await check('transaction')).toBe('passed');
  });
});
