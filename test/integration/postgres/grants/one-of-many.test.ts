import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const many = 20_000;
/** Rows and index entries that one operation may read. Far below `many`, above the few of an ambiguous request. */
const few = 250;

describe('one grant among many of its connection', () => {
  let stores: TestStores;
  let admin: pg.Client;

  beforeAll(async () => {
    stores = await openTestStores();
    admin = new pg.Client({ connectionString: stores.url });
    await admin.connect();
    // Many people with one account each, one person with many accounts, and many accounts of no particular person.
    const people = await storeConnection(stores, aConnection('acme', 'people'));
    const accounts = await storeConnection(stores, aConnection('acme', 'accounts', { multiAccount: true }));
    const shared = await storeConnection(stores, aConnection(null, 'shared', { multiAccount: true }));
    const insert = (connectionId: string, organization: string | null, subject: string, account: string) =>
      admin.query(
        `insert into grants (id, connection_id, organization_id, subject, account_id, slot_account_id, status, sealed_tokens, refreshable, expires_at, created_at, updated_at)
         select gen_random_uuid(), $1, $2, ${subject}, ${account}, ${account},
           case when n % 3 = 0 then 'failed' else 'completed' end, '\\x00', true, now() + n * interval '1 minute', now() - n * interval '1 second', now()
         from generate_series(1, $3::integer) n`,
        [connectionId, organization, many],
      );
    await insert(people.id, 'acme', "'s' || n", 'null::text');
    await insert(accounts.id, 'acme', "'ann'", "'a' || n");
    await insert(accounts.id, 'acme', 'null', "'a' || n");
    await insert(shared.id, null, 'null', "'a' || n");
    await admin.query('vacuum analyze grants');
    await admin.query('analyze connections');
  });
  afterAll(async () => {
    await admin.end();
    await stores.end();
  });

  /** Counts the rows and index entries of grants that `work` reads, over every statement of a process of its own. */
  async function readBy(work: (process: Postgres) => Promise<unknown>): Promise<number> {
    const before = await counted();
    const process = createPostgres({
      connectionString: stores.url,
      poolMax: 3,
      applicationName: 'token-broker busy',
      onError: () => {},
    });
    // More often than a connection plans a statement for its values: the plan for any values must be bounded too.
    for (let n = 0; n < 8; n++) await work(process);
    // A connection writes its statistics when it ends.
    await process.close();
    return ((await settledCount()) - before) / 8;
  }

  async function counted(): Promise<number> {
    const { rows } = await admin.query<{ count: string }>(
      `select (select sum(seq_tup_read + idx_tup_fetch) from pg_stat_user_tables where relname = 'grants')
         + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'grants') as count`,
    );
    return Number(rows[0]?.count);
  }

  async function settledCount(): Promise<number> {
    for (;;) {
      const { rows } = await admin.query<{ count: number }>(
        "select count(*)::integer as count from pg_stat_activity where datname = current_database() and application_name = 'token-broker busy'",
      );
      if (rows[0]?.count === 0) return counted();
    }
  }

  const find = (name: string) => stores.database.read('acme').connections.find(name);
  const idOf = async (name: string) => (await find(name))?.connection.id ?? '';
  const slots = [
    { name: 'people', subject: 's77', accountId: null },
    { name: 'accounts', subject: 'ann', accountId: 'a77' },
    { name: 'accounts', subject: 'ann', accountId: null },
    { name: 'accounts', subject: null, accountId: 'a77' },
    { name: 'accounts', subject: null, accountId: null },
    { name: 'people', subject: null, accountId: null },
  ];

  test.each(slots)('a fetch from $name of subject $subject and account $accountId reads few rows', async (slot) => {
    const { name: connectionName, subject, accountId } = slot;
    const query = { organizationId: 'acme', connectionName, subject, accountId };
    expect(await readBy((process) => process.credentials.findStored(query))).toBeLessThan(few);
  });

  test.each(slots)(
    'finding a grant of $name by subject $subject and account $accountId reads few rows',
    async (slot) => {
      const connectionId = await idOf(slot.name);
      const read = readBy((process) =>
        process.database.read('acme').grants.findMatching({ ...slot, connectionId }, 20),
      );
      expect(await read).toBeLessThan(few);
    },
  );

  test.each(slots.filter(({ name, accountId }) => name === 'people' || accountId !== null))(
    'locking a grant of $name by subject $subject and account $accountId reads few rows',
    async ({ name, subject, accountId }) => {
      const connectionId = await idOf(name);
      const read = readBy((process) =>
        process.database.write('acme', async ({ grants }) => {
          await grants.lockSlot({ connectionId, subject, accountId });
          await grants.lockMatching(connectionId, subject, accountId);
        }),
      );
      expect(await read).toBeLessThan(few);
    },
  );

  test.each([null, 'a77'])('a fetch from a shared connection of account %s reads few rows', async (accountId) => {
    const query = { organizationId: 'acme', connectionName: 'shared', subject: null, accountId };
    expect(await readBy((process) => process.credentials.findStored(query))).toBeLessThan(few);
  });

  test.each(['people', 'accounts', 'shared'])('the status of %s reads few rows', async (name) => {
    expect(await readBy((process) => process.database.read('acme').connections.find(name))).toBeLessThan(few);
  });

  test('a page of the list reads few rows', async () => {
    for (const name of ['people', 'accounts']) {
      const connectionId = await idOf(name);
      const { list } = stores.database.read('acme').grants;
      const { nextCursor } = await list(connectionId, { limit: 50 });
      const filter = { limit: 50, ...(nextCursor !== null && { cursor: nextCursor }) };
      const read = readBy((process) => process.database.read('acme').grants.list(connectionId, filter));
      expect(await read).toBeLessThan(few);
    }
  });

  test('the count sees a statement that reads them all', async () => {
    const connectionId = await idOf('people');
    const filter = { limit: 50, q: 'in no grant' };
    const read = readBy((process) => process.database.read('acme').grants.list(connectionId, filter));
    expect(await read).toBeGreaterThan(many);
  });
});
