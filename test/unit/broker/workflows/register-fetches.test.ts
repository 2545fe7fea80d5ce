import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRegisterFetches, type RegistrationLimits } from '../../../../src/broker/workflows/register-fetches.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { CredentialFetch } from '../../../../src/domain/grants/credential-fetch.ts';
import type { WorkflowFetch } from '../../../../src/domain/ports/workflows.ts';
import { actorOf } from '../../../support/memory/broker.ts';

const away = BrokerError.with('service_unavailable', 'The database cannot be reached.', { retry_after: 2 });

/** A collector over a database that can be away, and that counts what one statement registers. */
function createCollector(limits: Partial<RegistrationLimits> = {}) {
  const statements: (readonly WorkflowFetch[])[] = [];
  const registered = new Map<string, { at: number; name: string | null }>();
  const state = { isAway: false };
  const collector = createRegisterFetches({
    registrations: {
      registerAll: async (batch) => {
        await Promise.resolve();
        if (state.isAway) throw away;
        statements.push(batch);
        for (const { organizationId, connectionId, workflow, at } of batch) {
          const key = `${organizationId} ${connectionId} ${workflow.id}`;
          const known = registered.get(key);
          if (known !== undefined && known.at >= at.getTime()) continue;
          registered.set(key, { at: at.getTime(), name: workflow.name ?? known?.name ?? null });
        }
      },
    },
    limits,
  });
  return { ...collector, statements, registered, state };
}

function aFetch(
  at: number,
  over: Partial<CredentialFetch> = {},
  organizationId: string | null = 'acme',
): CredentialFetch {
  return {
    at: new Date(at),
    operation: 'fetch',
    actor: actorOf(organizationId),
    connectionName: 'crm',
    subject: null,
    accountId: null,
    workflow: { id: 'w', name: null },
    connectionId: 'c1',
    grantId: 'g1',
    refusal: null,
    source: 'cache',
    ...over,
  };
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('fetch' as const),
      organization: fc.constantFrom('acme', 'other', null),
      connection: fc.constantFrom('c1', 'c2'),
      workflow: fc.constantFrom('w1', 'w2', 'w3'),
      name: fc.constantFrom(null, 'old', 'new'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const), isAway: fc.boolean() }) },
);

test('after the last flush every pair of workflow and connection has its latest fetch and name, whatever failed before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, batch) => {
      const { onFetch, flush, registered, statements, state } = createCollector({ batch });
      const expected = new Map<string, { at: number; name: string | null }>();
      const running: Promise<unknown>[] = [];
      for (const [at, each] of steps.entries()) {
        if (each.kind === 'flush') {
          state.isAway = each.isAway;
          // Some flushes are still running when the next fetch comes.
          running.push(flush().catch(() => {}));
          if (at % 2 === 0) await Promise.all(running);
          continue;
        }
        const { organization, connection, workflow, name } = each;
        const key = `${organization} ${connection} ${workflow}`;
        expected.set(key, { at, name: name ?? expected.get(key)?.name ?? null });
        onFetch(aFetch(at, { connectionId: connection, workflow: { id: workflow, name } }, organization));
      }
      await Promise.all(running);
      state.isAway = false;
      await flush();
      expect(registered).toEqual(expected);
      for (const statement of statements) {
        expect(statement.length).toBeLessThanOrEqual(batch);
        const pairs = statement.map((one) => `${one.organizationId} ${one.connectionId} ${one.workflow.id}`);
        expect(new Set(pairs).size).toBe(pairs.length);
      }
    }),
  );
});

test.each([
  ['names no workflow', { workflow: null }],
  ['found no grant', { connectionId: null, grantId: null, refusal: 'connection_not_found' as const }],
])('a fetch that %s registers nothing', async (_name, over) => {
  const { onFetch, flush, statements } = createCollector();
  onFetch(aFetch(1, over));
  await flush();
  expect(statements).toEqual([]);
});

test('a refused fetch of a connection that has a grant registers its workflow', async () => {
  const { onFetch, flush, registered } = createCollector();
  onFetch(aFetch(1, { refusal: 'provider_unavailable', source: null }));
  await flush();
  expect([...registered.keys()]).toEqual(['acme c1 w']);
});

test('a million fetches while the database is away keep no more than the limit, and the known pairs stay current', async () => {
  const { onFetch, flush, registered, state } = createCollector({ waiting: 100, waitingOfOne: 100 });
  state.isAway = true;
  for (let n = 0; n < 1_000_000; n++) {
    onFetch(aFetch(n, { workflow: { id: `w${n % 1000}`, name: null } }));
    if (n % 100_000 === 0) await flush().catch(() => {});
  }
  state.isAway = false;
  await flush();
  expect(registered.size).toBe(100);
  expect(registered.get('acme c1 w0')?.at).toBe(999_000);
});

test('a flush writes what waited when it began, in full batches, whatever comes while it writes', async () => {
  const world = createCollector({ batch: 10 });
  let n = 0;
  const busy = createRegisterFetches({
    registrations: {
      registerAll: async (batch) => {
        world.statements.push(batch);
        for (let more = 0; more < 3; more++) busy.onFetch(aFetch(++n, { workflow: { id: `later-${n}`, name: null } }));
      },
    },
    limits: { batch: 10 },
  });
  for (let first = 0; first < 25; first++) busy.onFetch(aFetch(first, { workflow: { id: `w${first}`, name: null } }));
  await busy.flush();
  expect(world.statements.map(({ length }) => length)).toEqual([10, 10, 5]);
});

test('a flush during another one also writes what came since that began', async () => {
  const { onFetch, flush, registered } = createCollector();
  onFetch(aFetch(1));
  const first = flush();
  onFetch(aFetch(2, { workflow: { id: 'late', name: null } }));
  await Promise.all([first, flush()]);
  expect([...registered.keys()]).toEqual(['acme c1 w', 'acme c1 late']);
});

test('an organisation with workflow ids without end crowds out no other, before and after failed flushes', async () => {
  const { onFetch, flush, registered, state } = createCollector({ waiting: 20, waitingOfOne: 10, batch: 7 });
  const countOf = (owner: string) => [...registered.keys()].filter((key) => key.startsWith(`${owner} `)).length;
  state.isAway = true;
  for (let n = 0; n < 100; n++) {
    onFetch(aFetch(n, { workflow: { id: `run-${n}`, name: null } }, 'flood'));
    if (n % 30 === 0) await flush().catch(() => {});
  }
  for (let n = 0; n < 5; n++) onFetch(aFetch(n, { workflow: { id: `w${n}`, name: null } }));
  await flush().catch(() => {});
  state.isAway = false;
  await flush();
  expect([countOf('flood'), countOf('acme')]).toEqual([10, 5]);
  // Its share is free again.
  for (let n = 0; n < 100; n++) onFetch(aFetch(n, { workflow: { id: `later-${n}`, name: null } }, 'flood'));
  await flush();
  expect(countOf('flood')).toBe(20);
});

test('a flush rejects with the error of the database, and the next one writes what it kept', async () => {
  const { onFetch, flush, registered, state } = createCollector();
  onFetch(aFetch(1));
  state.isAway = true;
  await expect(flush()).rejects.toBe(away);
  state.isAway = false;
  await flush();
  expect(registered.size).toBe(1);
});
