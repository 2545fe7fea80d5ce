import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { CredentialQuery } from '../../../../src/domain/grants/credential.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createCredentialLookup } from '../../../../src/postgres/grants/credential-lookup.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

describe('credential lookup', () => {
  let stores: TestStores;
  let name: string;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());
  beforeEach(() => {
    name = `lookup-${++sequence}`;
  });

  const find = (organizationId: OrganizationId, query: Partial<CredentialQuery> = {}) =>
    stores.credentials.find({ organizationId, connectionName: name, subject: null, accountId: null, ...query });
  const store = (
    organizationId: OrganizationId,
    settings: Parameters<typeof aConnection>[2] = {},
  ): Promise<Connection> => storeConnection(stores, aConnection(organizationId, name, settings));

  test('every statement of the credential lookup uses the index of grants', async () => {
    const pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
    const crowd = await store(null);
    await pool.query(
      `insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, created_at, updated_at)
       select gen_random_uuid(), $1, 'org' || n % 100, 's' || n, 'completed', '\\x00', now(), now() from generate_series(1, 20000) n`,
      [crowd.id],
    );
    await pool.query('analyze');
    // A connection changes to the generic plan after a few executions.
    await pool.query('set plan_cache_mode = force_generic_plan');
    const lookup = createCredentialLookup({ pool });
    for (const organizationId of [null, 'org1']) {
      for (const subject of [null, 's1']) {
        for (const accountId of [null, 'A'])
          await lookup.find({ organizationId, connectionName: name, subject, accountId });
      }
    }
    const { rows } = await pool.query<{ name: string; count: number }>(
      `select name, cardinality(parameter_types) as count from pg_prepared_statements where name like 'credential%'`,
    );
    expect(rows).toHaveLength(8);
    for (const statement of rows) {
      const parameters = Array.from({ length: statement.count }, () => `'x'`).join();
      const plan = await pool.query(`explain execute ${statement.name}(${parameters})`);
      const text = plan.rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
      expect(text, statement.name).toContain('grants_slot');
      expect(text, statement.name).not.toContain('Seq Scan on grants');
    }
    await pool.end();
  });

  test('a credential lookup with text that cannot be stored throws invalid_request', async () => {
    await store('acme');
    await expect(find('acme', { subject: 'a\0b' })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
