import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection, OrganizationId } from '../../../src/domain/connection.ts';
import type { CredentialQuery } from '../../../src/domain/credential.ts';
import { createCredentialLookup } from '../../../src/postgres/credential-lookup.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import {
  aConnection,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
  tokensUntil,
} from '../../support/postgres-fixtures.ts';

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
  const idsFor = async (organizationId: OrganizationId, query: Partial<CredentialQuery> = {}) =>
    (await find(organizationId, query))?.grants.map(({ id }) => id).sort();
  const store = (
    organizationId: OrganizationId,
    settings: Parameters<typeof aConnection>[2] = {},
  ): Promise<Connection> => storeConnection(stores, aConnection(organizationId, name, settings));

  test('a name that neither the organisation nor the global scope has is not found', async () => {
    await store('other');
    expect(await find('acme')).toBeUndefined();
    expect(await find(null)).toBeUndefined();
  });

  test('an own connection is never skipped for the global one, not even when nothing is connected', async () => {
    const global = await store(null);
    await storeGrant(stores, null, global);
    const own = await store('acme');
    expect(await find('acme')).toMatchObject({ connectionId: own.id, organizationId: 'acme', grants: [] });
  });

  test('what was stored is what is found', async () => {
    const connection = await store('acme');
    const tokens = tokensUntil(minutesFromNow(60), { scopes: ['a', 'b,"c"'], refreshExpiresAt: minutesFromNow(900) });
    const id = await storeGrant(stores, 'acme', connection, { tokens });
    const match = await find('acme');
    expect(match).toMatchObject({ connectionId: connection.id, connectionName: name, flow: 'authorization_code' });
    const full = (await stores.refreshes.find(id))?.grant;
    for (const [key, value] of Object.entries(match?.grants[0] ?? {})) {
      expect(value, key).toEqual(full?.[key as keyof typeof full]);
    }
    expect(match?.grants[0]?.facts).toEqual(tokens.facts);
  });

  test('on a global connection an organisation finds its own grant before the shared one', async () => {
    const global = await store(null);
    const shared = await storeGrant(stores, null, global);
    expect(await idsFor('acme')).toEqual([shared]);
    const own = await storeGrant(stores, 'acme', global);
    expect(await idsFor('acme')).toEqual([own]);
    expect(await idsFor('other')).toEqual([shared]);
    expect(await idsFor(null)).toEqual([shared]);
  });

  test('an own grant hides the shared one even when revoked, and deleting it restores the fallback', async () => {
    const global = await store(null);
    const shared = await storeGrant(stores, null, global);
    const own = await storeGrant(stores, 'acme', global);
    await stores.database.write('acme', ({ grants }) => grants.revoke(own, { by: 'a', reason: null, now: new Date() }));
    expect((await find('acme'))?.grants).toMatchObject([
      { id: own, status: 'failed', statusReason: 'revoked', facts: null },
    ]);
    await stores.database.write('acme', ({ grants }) => grants.delete(own));
    expect(await idsFor('acme')).toEqual([shared]);
  });

  test('the shared grant serves nobody in particular only, and only where it is shared', async () => {
    const global = await store(null, { shareWithOrganizations: false });
    const shared = await storeGrant(stores, null, global);
    await storeGrant(stores, null, global, { subject: 'ann' });
    expect(await idsFor('acme')).toEqual([]);
    expect(await idsFor('acme', { subject: 'ann' })).toEqual([]);
    expect(await idsFor(null)).toEqual([shared]);

    await stores.database.write(null, async ({ connections }) => {
      await connections.update({ ...global, settings: { ...global.settings, shareWithOrganizations: true } });
    });
    expect(await idsFor('acme')).toEqual([shared]);
    expect(await idsFor('acme', { subject: 'ann' })).toEqual([]);
  });

  test('a grant of another subject or another organisation is never among the answers', async () => {
    const global = await store(null);
    const ann = await storeGrant(stores, 'acme', global, { subject: 'ann' });
    await storeGrant(stores, 'acme', global, { subject: 'bob' });
    await storeGrant(stores, 'other', global, { subject: 'ann' });
    expect(await idsFor('acme', { subject: 'ann' })).toEqual([ann]);
    expect(await idsFor('acme', { subject: 'eve' })).toEqual([]);
    expect(await idsFor('acme')).toEqual([]);
  });

  test('with several accounts all are found where none is named, and one where it is', async () => {
    const own = await store('acme', { multiAccount: true });
    const first = await storeGrant(stores, 'acme', own, { accountId: 'T1' });
    const second = await storeGrant(stores, 'acme', own, { accountId: 'T2' });
    expect(await idsFor('acme')).toEqual([first, second].sort());
    expect(await idsFor('acme', { accountId: 'T2' })).toEqual([second]);
    expect(await idsFor('acme', { accountId: 'T3' })).toEqual([]);
  });

  test('naming an account reaches nothing that naming none would not offer', async () => {
    const global = await store(null, { multiAccount: true });
    const shared = await storeGrant(stores, null, global, { accountId: 'T1' });
    expect(await idsFor('acme', { accountId: 'T1' })).toEqual([shared]);
    const own = await storeGrant(stores, 'acme', global, { accountId: 'T2' });
    expect(await idsFor('acme')).toEqual([own]);
    expect(await idsFor('acme', { accountId: 'T1' })).toEqual([]);
  });

  test('among many connections of the name and many grants, every shape of the question is answered through the indexes', async () => {
    const pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
    const crowd = await store(null);
    await pool.query(
      `insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, created_at, updated_at)
       select gen_random_uuid(), $1, 'org' || n % 100, 's' || n, 'completed', '\\x00', now(), now() from generate_series(1, 20000) n`,
      [crowd.id],
    );
    await pool.query('analyze');
    // What a connection settles on after a few uses, whatever the parameters.
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

  test('text that cannot be stored is a bad request, not a fault of ours', async () => {
    await store('acme');
    await expect(find('acme', { subject: 'a\0b' })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
