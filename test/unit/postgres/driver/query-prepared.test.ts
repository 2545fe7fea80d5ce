import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { queryPrepared } from '../../../../src/postgres/driver/query-prepared.ts';

const statement = { name: 'one', text: 'select $1', values: [1] };
const stale = Object.assign(new Error('cached plan must not change result type'), { code: '0A000' });
const syntax = Object.assign(new Error('syntax error'), { code: '42601' });

/** A pool of one connection whose statements end with the listed outcomes, in order. */
function createPool(outcomes: (Error | object[])[]) {
  const sent: unknown[] = [];
  const released: unknown[] = [];
  const client = {
    query: async (...call: unknown[]) => {
      sent.push(call.length === 1 ? call[0] : call);
      const outcome = outcomes[sent.length - 1] ?? [];
      if (outcome instanceof Error) throw outcome;
      return { rows: outcome };
    },
    release: (destroy: unknown) => released.push(destroy),
  };
  const pool = { connect: async () => client } as unknown as Pick<pg.Pool, 'connect'>;
  return { pool, sent, released };
}

describe('queryPrepared', () => {
  test('a prepared statement that succeeds keeps its connection', async () => {
    const { pool, sent, released } = createPool([[{ one: 1 }]]);
    expect(await queryPrepared(pool, statement)).toEqual([{ one: 1 }]);
    expect(sent).toEqual([statement]);
    expect(released).toEqual([false]);
  });

  test('a prepared statement with a stale plan runs again without its name, and its connection is retired', async () => {
    const { pool, sent, released } = createPool([stale, [{ one: 1 }]]);
    expect(await queryPrepared(pool, statement)).toEqual([{ one: 1 }]);
    expect(sent).toEqual([statement, [statement.text, statement.values]]);
    expect(released).toEqual([true]);
  });

  test('a prepared statement that meets a stale plan twice throws service_unavailable, and is not sent a third time', async () => {
    const { pool, sent, released } = createPool([stale, stale]);
    await expect(queryPrepared(pool, statement)).rejects.toMatchObject({ code: 'service_unavailable', cause: stale });
    expect(sent).toHaveLength(2);
    expect(released).toEqual([true]);
  });

  test('a prepared statement that fails for another reason is sent once', async () => {
    const { pool, sent, released } = createPool([syntax]);
    await expect(queryPrepared(pool, statement)).rejects.toBe(syntax);
    expect(sent).toHaveLength(1);
    expect(released).toEqual([false]);
  });
});
