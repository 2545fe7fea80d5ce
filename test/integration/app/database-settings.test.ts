import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../../src/app/log/log.ts';
import { createApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import { contract } from '../../../src/http/contract/contract.ts';
import { migrate } from '../../../src/postgres/driver/migrate.ts';
import { tableNames } from '../../../src/postgres/tables.ts';
import { type Answer, returnUrl, runRouteScript } from '../../support/http/route-script.ts';
import { createRoleDatabase, type RoleDatabase } from '../../support/postgres/role.ts';
import { createDataDir, type DataDir } from '../../support/processes/data-dir.ts';
import { jsonAnswer, type RawProvider, startRawProvider } from '../../support/provider/raw-provider.ts';

/** Values of each setting that a database administrator may choose for the role. */
const choices = {
  array_nulls: ['off'],
  backslash_quote: ['off', 'on'],
  bytea_output: ['escape'],
  client_encoding: ['LATIN1', 'SQL_ASCII'],
  DateStyle: ['German', 'SQL, DMY', 'Postgres, MDY', 'ISO, YMD'],
  default_transaction_deferrable: ['on'],
  default_transaction_isolation: ['serializable', 'repeatable read'],
  default_transaction_read_only: ['on'],
  enable_indexscan: ['off'],
  enable_seqscan: ['off'],
  escape_string_warning: ['off'],
  extra_float_digits: ['-15', '0', '3'],
  idle_in_transaction_session_timeout: ['20'],
  idle_session_timeout: ['2000'],
  IntervalStyle: ['sql_standard', 'iso_8601'],
  jit: ['off'],
  lc_monetary: ['C'],
  lc_numeric: ['C'],
  lock_timeout: ['1'],
  quote_all_identifiers: ['on'],
  row_security: ['off'],
  search_path: ['', 'elsewhere, public', 'hostile, public', 'hostile, pg_catalog, public'],
  standard_conforming_strings: ['off'],
  statement_timeout: ['100'],
  TimeZone: ['America/St_Johns', 'Pacific/Kiritimati', 'Europe/Berlin'],
  transform_null_equals: ['on'],
  xmloption: ['document'],
} as const;

const someSettings = fc.record(
  Object.fromEntries(Object.entries(choices).map(([name, values]) => [name, fc.constantFrom(...values)])),
  { requiredKeys: [] },
);

let database: RoleDatabase;
let dataDir: DataDir;
let provider: RawProvider;
let usual: Answer[];
/** Tables that each run begins without rows. Audit events are append only. */
const filled = tableNames.filter((name) => name !== 'data_keys' && name !== 'audit_events');
const adminKey = randomBytes(32).toString('base64url');
const encryptionKey = randomBytes(32).toString('base64');

beforeAll(async () => {
  provider = await startRawProvider();
  let issued = 0;
  provider.answerEach(({ path }) => {
    if (path.startsWith('/userinfo')) return jsonAnswer({ sub: 'ada', email: 'ada@example.org' });
    issued += 1;
    const tokens = { access_token: `at-${issued}`, refresh_token: `rt-${issued}`, token_type: 'Bearer' };
    return jsonAnswer({ ...tokens, expires_in: 3600, refresh_token_expires_in: 2_592_000 });
  });
  dataDir = createDataDir();
  database = await createRoleDatabase();
  await migrate(database.url);
  const role = new URL(database.url).username;
  await database.sql(`
    create schema elsewhere authorization ${role};
    create schema hostile authorization ${role};
    ${tableNames.map((table) => `create table hostile.${table} (id int)`).join(';')};
    create function hostile.now() returns timestamptz language sql as $$ select '2000-01-01'::timestamptz $$;
    create function hostile.clock_timestamp() returns timestamptz language sql as $$ select '2000-01-01'::timestamptz $$`);
  usual = await answersUnder({});
});
afterAll(async () => {
  await provider?.close();
  await database?.drop();
  await dataDir?.remove();
});

/** Runs a service under these defaults of its role, on empty tables, and calls every route. */
async function answersUnder(settings: Record<string, string>): Promise<Answer[]> {
  // The data key stays: the service finds the one that its encryption key opens.
  await database.sql(`truncate ${filled.map((name) => `public.${name}`)} cascade`);
  await database.setDefaults(settings);
  const config = loadConfig({
    ...{ PORT: '0', PUBLIC_URL: 'http://127.0.0.1:1', DATA_DIR: dataDir.path, ALLOW_PRIVATE_NETWORK: 'true' },
    ...{ DATABASE_URL: database.url, ADMIN_API_KEY: adminKey, ENCRYPTION_KEYS: `k1:${encryptionKey}` },
    ...{ RATE_LIMIT_MAX: '100000', LOG_LEVEL: 'silent', ALLOWED_RETURN_URLS: returnUrl },
  });
  const app = await createApp({ ...config, publicUrl: null }, createLog('silent'));
  try {
    await app.ready;
    return await runRouteScript({ url: app.address, adminKey, provider: provider.origin });
  } finally {
    await app.close();
  }
}

test('the script calls every route of the API', () => {
  const called = usual.map(({ step }) => step);
  const missing = contract.filter(({ method, path }) => {
    const pattern = new RegExp(`^${method} ${path.replaceAll(/\{\w+\}/g, '[^/ ?]+')}(\\?| |$)`);
    return !called.some((step) => pattern.test(step));
  });
  expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  const withoutToken = usual.filter(({ status }) => status >= 500).map(({ step }) => step);
  expect(withoutToken).toEqual(['GET /credentials/shared?subject=past', 'GET /credentials/own?subject=past']);
});

test('every route answers the same under any defaults of the database role', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(someSettings, async (settings) => {
      expect(await answersUnder(settings as Record<string, string>)).toEqual(usual);
    }),
    { numRuns: 5, seed: 20_261_126, endOnFailure: true },
  );
});
