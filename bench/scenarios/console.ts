import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { createConsoleClient } from '../../test/support/console/console-client.ts';
import { addressesOf, type Places, publicPages } from '../../test/support/console/page-addresses.ts';
import { seedFleet } from '../../test/support/postgres/seed-fleet.ts';
import type { Figure } from '../support/report.ts';
import { openService, type Service } from '../support/service.ts';
import { median } from '../support/statistics.ts';
import type { Scenario } from './scenario.ts';

const organizations = 2500;
const grants = 100_000;
const measurements = 15;
/** Time in milliseconds beyond which a person waits for a page. */
const maxMs = 200;

/** Opens every page of the console over a fleet of 10,001 connections and 100,000 grants, as an administrator of all. */
export const consoleScenario: Scenario = {
  name: 'console',
  title: 'Pages of the console over 10,001 connections and 100,000 grants, against the cheapest page',
  async run(): Promise<Figure[]> {
    // The tokens of the fleet cannot be opened: no sweep may try.
    await using service = await openService({ REFRESH_MODE: 'off', RATE_LIMIT_MAX: '100000' });
    await seedFleet(service.databaseUrl, { organizations, grants });
    const places = await placesOf(service);
    const client = createConsoleClient(service.url);
    await client.signIn(service.adminKey);

    const times = new Map<string, number>();
    for (const [page, addresses] of Object.entries(addressesOf)) {
      if (publicPages.includes(page)) continue;
      for (const address of addresses(places)) {
        const samples: number[] = [];
        for (let round = 0; round <= measurements; round++) {
          const startedAt = performance.now();
          const { status, url } = await client.get(address);
          if (round > 0) samples.push(performance.now() - startedAt);
          if (status !== 200) throw new Error(`${address} answered ${status} at ${url}`);
        }
        times.set(address, median(samples));
      }
    }
    const cheapest = Math.min(...times.values());
    const target = { below: maxMs, of: 'value' } as const;
    return [...times].map(
      ([what, value]): Figure => ({ what, value, unit: 'ms', baseline: cheapest, ratio: value / cheapest, target }),
    );
  },
};

const organization = 'big';
const workflowId = 'invoices';

/** Names in the organisation that owns half of the grants: a grant that works, one that does not, and what belongs to them. */
async function placesOf(service: Service): Promise<Places> {
  const [working, failing] = await findGrants(service);
  if (working === undefined || failing === undefined) throw new Error('the fleet has no such grants');
  const dependency = { connection_name: working.name, workflow_name: 'Invoices' };
  await service.post(`/workflows/${workflowId}/dependencies`, dependency, { organization });
  await service.post(`/workflows/${workflowId}/disable`, { reason: 'Measured.' }, { organization });
  const rights = { permissions: ['credentials:read'], organizations: [organization], global: false };
  const { id: keyId } = await service.post('/admin/api-keys', { name: 'measured', ...rights }, {});
  const { data_keys: dataKeys } = await service.get('/admin/encryption');
  const [{ id: dataKeyId } = { id: '' }] = dataKeys as { id: string }[];
  return { organization, working, failing, keyId: String(keyId), dataKeyId, workflowId };
}

/** Two grants of connections of the organisation. All grants of the fleet's large organisation work: the second one fails here. */
async function findGrants({ databaseUrl }: Service) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; grantId: string }>(
      `select c.name, g.id as "grantId" from grants g join connections c on c.id = g.connection_id
       where g.organization_id = $1 and c.organization_id = $1 and g.status = 'completed' limit 2`,
      [organization],
    );
    await client.query(
      `update grants set status = 'failed', status_reason = 'reauthorization_required', sealed_tokens = null, expires_at = null,
         refresh_expires_at = null, obtained_at = null, refreshable = false where id = $1`,
      [rows[1]?.grantId],
    );
    return rows;
  } finally {
    await client.end();
  }
}
