import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../../src/postgres/postgres.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { tokensUntil } from '../../support/builders/grant.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../support/builders/stored.ts';
import { createRoleDatabase, type RoleDatabase } from '../../support/postgres/role.ts';
import { runEveryOperation } from './every-operation.ts';

const settings: [name: string, value: string][] = [
  ['DateStyle', 'German'],
  ['DateStyle', 'SQL, DMY'],
  ['DateStyle', 'Postgres, MDY'],
  ['IntervalStyle', 'sql_standard'],
  ['TimeZone', 'America/St_Johns'],
  ['extra_float_digits', '-15'],
  ['bytea_output', 'escape'],
  ['array_nulls', 'off'],
  ['standard_conforming_strings', 'off'],
  ['backslash_quote', 'off'],
  ['transform_null_equals', 'on'],
  ['client_encoding', 'LATIN1'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_isolation', 'repeatable read'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_deferrable', 'on'],
  ['statement_timeout', '50'],
  ['lock_timeout', '1'],
  ['idle_session_timeout', '50'],
  ['transaction_timeout', '500'],
  ['idle_in_transaction_session_timeout', '1'],
  ['search_path', ''],
  ['search_path', 'elsewhere, public'],
  ['search_path', 'hostile, public'],
  ['search_path', 'hostile, pg_catalog, public'],
  ['xmloption', 'document'],
  ['row_security', 'off'],
  ['quote_all_identifiers', 'on'],
  ['enable_indexscan', 'off'],
];
const anApiKey = {
  ...{ name: 'key', permissions: [], organizations: '*' as const, global: true, connections: null },
  ...{ createdBy: 'bootstrap', expiresAt: null, rateLimitPerMinute: null, lastUsedAt: null, revokedAt: null },
};
const expiresAt = new Date('2031-02-03T04:05:06.789Z');

describe('defaults of the role', () => {
  let database: RoleDatabase;

  beforeAll(async () => {
    database = await createRoleDatabase();
    await migrate(database.url);
    const role = new URL(database.url).username;
    await database.sql(`
      create schema elsewhere authorization ${role};
      create schema hostile authorization ${role};
      create table hostile.grants (id int);
      create table hostile.connections (id int);
      create function hostile.set_config(text, text, boolean) returns text language sql as 'select null::text'`);
  });
  afterAll(() => database.drop());

  test.each(settings)('%s = %s changes no value and fails no operation', async (name, value) => {
    await database.setDefaults({ [name]: value });
    const postgres = createPostgres({ connectionString: database.url, poolMax: 5, onError: () => {} });
    try {
      await postgres.checkSettings();
      await runEveryOperation(postgres);
      await postgres.clock.synchronize();
      expect(Math.abs(postgres.clock.now().getTime() - Date.now())).toBeLessThan(2_000);

      const connection = await storeConnection(
        postgres,
        aConnection('acme', `c-${name}-${value}`.toLowerCase().replace(/\W/g, '-')),
      );
      const tokens = tokensUntil(expiresAt, { lifetimeSeconds: 1234.5, refreshExpiresAt: expiresAt });
      const id = await storeGrant(postgres, 'acme', connection, { subject: 'ann', tokens });
      const match = await postgres.credentials.findStored({
        organizationId: 'acme',
        connectionName: connection.name,
        subject: 'ann',
        accountId: null,
      });
      expect(match?.grants[0]).toMatchObject({
        id,
        metadata: { expiresAt, refreshExpiresAt: expiresAt, lifetimeSeconds: 1234.5 },
      });
      expect(Buffer.from(match?.grants[0]?.sealedTokens ?? []).equals(Buffer.from(tokens.sealed))).toBe(true);
      const grant = await postgres.database.read('acme').grants.find(connection.id, id);
      expect(grant).toMatchObject({ metadata: { expiresAt, lifetimeSeconds: 1234.5 }, longestLifetimeSeconds: 1234.5 });
      const record = await postgres.database.read('acme').connections.find(connection.name);
      expect(record?.connection).toEqual(connection);
    } finally {
      await postgres.close();
    }
  });

  test.each(['repeatable read', 'serializable'])(
    '%s fails no statement that meets another on its row',
    async (level) => {
      await database.setDefaults({ default_transaction_isolation: level });
      const postgres = createPostgres({ connectionString: database.url, poolMax: 10, onError: () => {} });
      try {
        const key = { ...anApiKey, id: randomUUID(), secretHash: randomBytes(32), createdAt: new Date() };
        await postgres.apiKeys.insert(key, anEvent(aConnection('acme', 'c'), randomUUID()));
        const touches = Array.from({ length: 60 }, (_, n) => postgres.apiKeys.touch([key.id], new Date(n)));
        expect((await Promise.allSettled(touches)).filter(({ status }) => status === 'rejected')).toEqual([]);
      } finally {
        await postgres.close();
      }
    },
  );
});
