import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/http/broker-api.ts';
import { createTwoRoles, type TwoRoles } from '../support/postgres/service-role.ts';
import { startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';

let roles: TwoRoles;
beforeAll(async () => {
  roles = await createTwoRoles();
});
afterAll(() => roles?.drop());

test('ROLE=all migrates an empty database as the owner, and serves, also again, as a role that owns nothing', async () => {
  const dataDir = createDataDir();
  const adminKey = randomBytes(32).toString('base64url');
  const env = {
    DATABASE_URL: roles.serviceUrl,
    DATABASE_MIGRATE_URL: roles.ownerUrl,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
  };
  try {
    for (const status of [201, 409]) {
      const broker = await startBroker({ dataDir: dataDir.path, env });
      const body = { connection_name: 'crm', provider: 'github', client_id: 'a', client_secret: 'b' };
      const created = await createApi(broker.url, adminKey).post('/connections', body);
      expect(created.status, created.text).toBe(status);
      expect(await broker.stop(), broker.logs()).toBe(0);
    }
    const owners = await roles.sql(
      `select distinct tableowner from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    expect(owners).toEqual([{ tableowner: new URL(roles.ownerUrl).username }]);
  } finally {
    await dataDir.remove();
  }
});
