import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RootOperationNode,
} from 'kysely';
import { describe, expect, test } from 'vitest';
import { columnsText, readableColumns } from '../../../src/postgres/columns.ts';
import { valueTypes } from '../../../src/postgres/driver/value-types.ts';
import type { Tables } from '../../../src/postgres/tables.ts';

const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (on) => new PostgresIntrospector(on),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  plugins: [readableColumns],
});
const textOf = (query: { compile(): { sql: string; query: RootOperationNode } }) => query.compile().sql;
const expiry = '(extract(epoch from "expires_at") * 1000)::bigint as "expires_at"';

describe('columns whose text depends on settings', () => {
  test('a select returns instants as bigint and doubles as numeric', () => {
    expect(textOf(db.selectFrom('grants').select(['id', 'expires_at', 'lifetime_seconds']))).toBe(
      `select "id", ${expiry}, "lifetime_seconds"::numeric as "lifetime_seconds" from "grants"`,
    );
  });

  test('qualified and renamed columns keep their names', () => {
    expect(textOf(db.selectFrom('grants').select(['grants.retry_at', 'grants.created_at as at']))).toBe(
      'select (extract(epoch from "grants"."retry_at") * 1000)::bigint as "retry_at", ' +
        '(extract(epoch from "grants"."created_at") * 1000)::bigint as "at" from "grants"',
    );
  });

  test('insert, update and delete return them the same way', () => {
    for (const query of [
      db.updateTable('grants').set({ subject: null }).returning('expires_at'),
      db.deleteFrom('grants').returning('expires_at'),
      db.insertInto('grants').defaultValues().returning('expires_at'),
    ]) {
      expect(textOf(query)).toContain(`returning ${expiry}`);
    }
  });

  test('an order by a bare instant is refused, because it would sort by the converted column', () => {
    const query = db.selectFrom('grants').select('created_at');
    expect(() => textOf(query.orderBy('created_at'))).toThrow('needs the name of its table');
    expect(textOf(query.orderBy('grants.created_at'))).toContain('order by "grants"."created_at"');
  });

  test('a list of columns for statements written by hand converts them, too', () => {
    expect(columnsText('g', ['id', 'retry_at', 'lifetime_seconds'])).toBe(
      'g.id, (extract(epoch from g.retry_at) * 1000)::bigint as retry_at, g.lifetime_seconds::numeric as lifetime_seconds',
    );
  });
});

describe('values of results', () => {
  const parse = (oid: number, text: string) => valueTypes.getTypeParser(oid)(text);

  test.each([
    ['timestamptz', 1184],
    ['timestamptz[]', 1185],
    ['timestamp', 1114],
    ['date', 1082],
    ['interval', 1186],
    ['double precision', 701],
    ['real', 700],
    ['money', 790],
  ])('%s is refused', (_, oid) => {
    expect(() => parse(oid, '1')).toThrow('depends on settings');
  });

  test('bigint is an instant, numeric a fraction, and both forms of bytea are read', () => {
    expect(parse(20, '1795724248123')).toEqual(new Date(1_795_724_248_123));
    expect(parse(1700, '1234.5')).toBe(1234.5);
    for (const text of ['\\x005c785cff', '\\000\\\\x\\\\\\377']) {
      expect(parse(17, text)).toEqual(Buffer.from('005c785cff', 'hex'));
    }
  });
});
