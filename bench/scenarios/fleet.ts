import { performance } from 'node:perf_hooks';
import pg from 'pg';
import type { FleetReader, GrantSelection } from '../../src/domain/ports/fleet.ts';
import { createEmbeddedPostgres } from '../../src/embedded/cluster/embedded-postgres.ts';
import { migrate } from '../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { seedFleet } from '../../test/support/postgres/seed-fleet.ts';
import { createDataDir } from '../../test/support/processes/data-dir.ts';
import { interleave } from '../support/interleave.ts';
import type { Figure } from '../support/report.ts';
import type { Scenario } from './scenario.ts';

const measurements = 50;
const limit = 50;
const day = 86_400_000;
const reach = { organizations: '*', global: true } as const;
const some = { organizations: ['org-5', 'big', 'org-9'], global: true };

const lists: Record<string, Omit<GrantSelection, 'reach'> & { reach?: GrantSelection['reach'] }> = {
  'every grant': {},
  'grants that need a person': { nextAction: 'authorize' },
  'failed grants for one reason': { status: 'failed', reason: 'client_rejected' },
  'half of all grants: those of one organisation': { organizationId: 'big' },
  'a small organisation': { organizationId: 'org-77' },
  'a caller of three organisations': { reach: some },
  'one connection of one organisation': { organizationId: 'big', connectionName: 'slack-main' },
  'one provider': { provider: 'notion' },
  'access tokens that expire within a day': { expiresBefore: new Date(Date.now() + day) },
  'failed grants of one organisation and provider': { organizationId: 'big', provider: 'slack', status: 'failed' },
  'a text in the half of one organisation, which reads 10,000 rows': { organizationId: 'big', q: 'no such text' },
};

/** Reads as administrators do, from a fleet in which one organisation owns half of the grants. */
export const fleetScenario: Scenario = {
  name: 'fleet',
  title: 'Pages and statistics across organisations, against one select by primary key',
  async run({ storedGrants: [, stored] }): Promise<Figure[]> {
    await using stack = new AsyncDisposableStack();
    const dataDir = createDataDir();
    stack.defer(() => dataDir.remove());
    const server = await createEmbeddedPostgres({ dataDir: dataDir.path, log: () => {} });
    stack.defer(() => server.stop());
    const url = server.connectionString.reveal();
    await migrate(url);
    await seedFleet(url, { organizations: Math.ceil(stored / 100), grants: stored });
    const postgres = createPostgres({ connectionString: url, poolMax: 4, onError: () => {} });
    stack.defer(() => postgres.close());
    await postgres.fleet.fold();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    stack.defer(() => client.end());
    const { rows } = await client.query<{ id: string }>('select id from grants limit 1000');
    let next = 0;
    const byKey = () => client.query('select * from grants where id = $1', [rows[next++ % rows.length]?.id]);

    const compare = async (what: string, work: () => Promise<unknown>): Promise<Figure> => {
      const [subjectArm, baselineArm] = [work, byKey].map((call) => ({ name: what, measure: () => time(call) }));
      if (subjectArm === undefined || baselineArm === undefined) throw new Error('two arms are compared');
      const { subject, baseline, ratio } = await interleave(subjectArm, baselineArm, measurements);
      return { what: `${what}, of ${stored}`, value: subject, unit: 'ms', baseline, ratio };
    };
    const figures: Figure[] = [];
    for (const [what, selection] of Object.entries(lists)) {
      figures.push(await compare(what, pageOf(postgres.fleet, { reach, ...selection })));
    }
    const connections = () => postgres.fleet.listConnections({ reach, provider: 'slack' }, { limit });
    figures.push(await compare('connections of one provider', connections));
    for (const [who, of] of Object.entries({ everything: reach, 'three organisations': some })) {
      const stats = () => postgres.fleet.readStats(of, { dueMs: day / 6, expiryWarningMs: 7 * day });
      figures.push(await compare(`statistics of ${who}`, stats));
    }
    return figures;
  },
};

function pageOf(fleet: FleetReader, selection: GrantSelection): () => Promise<unknown> {
  return () => fleet.listGrants(selection, { limit });
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
