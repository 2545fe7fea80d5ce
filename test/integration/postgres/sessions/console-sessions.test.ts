import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOpenSession } from '../../../../src/broker/sessions/open-session.ts';
import { createTokens } from '../../../../src/crypto/tokens.ts';
import { bootstrapCaller } from '../../../../src/domain/callers/bootstrap.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: pg.Client;
beforeAll(async () => {
  stores = await openTestStores();
  client = new pg.Client({ connectionString: stores.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});

const key = new Secret('a bootstrap key of thirty-two characters');
const role = { value: '*', permissions: [], organizations: '*', global: true } as const;

const sessionIds = async () => {
  const openSession = createOpenSession({
    sessions: stores.consoleSessions,
    authenticateCaller: async () => bootstrapCaller,
    bootstrapKey: key,
    consoleRoles: [{ ...role, connections: null, rateLimitPerMinute: null }],
    tokens: createTokens(),
    clock: () => new Date(),
  });
  const trace = { requestId: 'r-1', address: '192.0.2.1', agent: 'Browser/1' };
  // The longest caller that may open a session.
  const person = { issuer: `https://${'i'.repeat(492)}`, subject: '\u{1f511}'.repeat(255), name: 'Ada', roles: ['x'] };
  const opened = [
    await openSession({ kind: 'api_key', key }, trace),
    await openSession({ kind: 'person', person }, trace),
  ];
  return opened.map(({ id }) => id.reveal());
};

test('no row holds the id of a session or the key that opened it', async () => {
  const ids = await sessionIds();
  const { rows } = await client.query<{ row: string }>(
    `select to_jsonb(s)::text as row from console_sessions s union all select to_jsonb(a)::text from audit_events a`,
  );
  expect(rows).toHaveLength(4);
  const text = rows.map(({ row }) => row).join('\n');
  for (const secret of [...ids, key.reveal()]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString('hex'));
  }
});

test.each([
  ['console_sessions_id_hash', { id_hash: "'\\x00'" }],
  ['console_sessions_identity', { identity: `'{"kind":"workload"}'` }],
  ['console_sessions_identity', { identity: `'{"kind":"person","issuer":"i","subject":"s"}'` }],
  ['console_sessions_identity', { identity: `'[]'` }],
  ['console_sessions_caller_id', { caller_id: "''" }],
  ['console_sessions_csrf_secret', { csrf_secret: "''" }],
  ['console_sessions_agent', { agent: "repeat('a', 301)" }],
  ['console_sessions_seen', { last_seen_at: "now() - interval '1 day'" }],
])('the constraint %s refuses a row with %j', async (constraint, changes) => {
  const row = {
    ...{ id_hash: "sha256('a')", identity: `'{"kind":"api_key","id":"k"}'`, caller_id: "'api_key:k'" },
    ...{ csrf_secret: "'c'", created_at: 'now()', last_seen_at: 'now()', agent: 'null' },
  };
  const insert = (values: Record<string, string>) =>
    client.query(`insert into console_sessions (${Object.keys(values)}) values (${Object.values(values)})`);
  await expect(insert({ ...row, ...changes })).rejects.toMatchObject({ constraint });
  await insert(row);
  await client.query("delete from console_sessions where caller_id = 'api_key:k'");
});
