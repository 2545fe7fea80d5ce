import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecordFetches, type FetchLimits } from '../../../../src/broker/administration/record-fetches.ts';
import type { AuditEvent } from '../../../../src/domain/audit.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { CredentialFetch } from '../../../../src/domain/grants/credential-fetch.ts';
import { actorOf } from '../../../support/memory/broker.ts';

const away = BrokerError.with('service_unavailable', 'The database cannot be reached.', { retry_after: 2 });

/** A recorder over a database that can be away. */
function createRecorder(limits: Partial<FetchLimits> = {}) {
  const written: AuditEvent[] = [];
  const statements: number[] = [];
  const losses: number[] = [];
  const state = { isAway: false };
  const recorder = createRecordFetches({
    audit: {
      appendAll: async (events) => {
        await Promise.resolve();
        if (state.isAway) throw away;
        statements.push(events.length);
        written.push(...events);
      },
    },
    clock: () => new Date(0),
    onLost: (fetches) => losses.push(fetches),
    limits,
  });
  return { ...recorder, written, statements, losses, state };
}

let second = 0;
function aFetch(over: Partial<CredentialFetch> & { address?: string; callerId?: string } = {}): CredentialFetch {
  const { address = '192.0.2.1', callerId = 'api_key:1', ...rest } = over;
  const actor = actorOf('acme');
  return {
    at: new Date(Date.UTC(2030, 0, 1) + ++second),
    operation: 'fetch',
    actor: { ...actor, caller: { ...actor.caller, id: callerId }, trace: { requestId: `request-${second}`, address } },
    connectionName: 'crm',
    subject: null,
    accountId: null,
    workflow: null,
    connectionId: '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11',
    grantId: '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d02',
    refusal: null,
    source: 'cache',
    ...rest,
  };
}

type Row = [fetch: CredentialFetch, expected: object];
const rows: Row[] = [
  [aFetch(), { action: 'credential.fetched', outcome: 'success', details: { subject: null, account_id: null } }],
  [
    aFetch({ operation: 'renew', subject: 'ann', accountId: 'A' }),
    { action: 'credential.renewed', outcome: 'success', details: { subject: 'ann', account_id: 'A' } },
  ],
  [
    aFetch({ workflow: { id: 'w1', name: 'Nightly' } }),
    { action: 'credential.fetched', details: { workflow_id: 'w1', workflow_name: 'Nightly' } },
  ],
  [
    aFetch({ refusal: 'connection_not_ready' }),
    { action: 'credential.refused', outcome: 'failure', details: { code: 'connection_not_ready', operation: 'fetch' } },
  ],
  [
    aFetch({ operation: 'renew', refusal: 'rate_limited' }),
    { action: 'credential.refused', outcome: 'failure', details: { code: 'rate_limited', operation: 'renew' } },
  ],
];

test.each(rows)('a fetch becomes one event with caller, grant and origin (%#)', async (fetch, expected) => {
  const recorder = createRecorder();
  recorder.onFetch(fetch);
  await recorder.flush();
  expect(recorder.written).toMatchObject([
    {
      time: fetch.at,
      actor: 'api_key:1',
      organizationId: 'acme',
      connectionId: fetch.connectionId,
      connectionName: 'crm',
      grantId: fetch.grantId,
      requestId: fetch.actor.trace.requestId,
      address: '192.0.2.1',
      ...expected,
    },
  ]);
});

test('the first 20 fetches of a kind in an interval have an event each, and the others share one', async () => {
  const recorder = createRecorder();
  const fetches = Array.from({ length: 120 }, () => aFetch());
  for (const fetch of fetches) recorder.onFetch(fetch);
  await recorder.flush();
  expect(recorder.written).toHaveLength(21);
  expect(recorder.written[20]).toMatchObject({
    time: fetches[20]?.at,
    details: { fetches: 100, until: fetches[119]?.at.toISOString() },
  });
  recorder.onFetch(aFetch());
  await recorder.flush();
  expect(recorder.written).toHaveLength(22);
});

const differences: [string, Parameters<typeof aFetch>[0]][] = [
  ['caller', { callerId: 'api_key:2' }],
  ['connection', { connectionName: 'mail', grantId: null }],
  ['grant', { grantId: '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d03' }],
  ['address', { address: '192.0.2.2' }],
  ['workflow', { workflow: { id: 'w1', name: null } }],
  ['outcome', { refusal: 'connection_not_ready' }],
  ['operation', { operation: 'renew' }],
];
test.each(differences)('fetches that differ in the %s share no event', async (_difference, over) => {
  const recorder = createRecorder({ singles: 1 });
  for (const fetch of [aFetch(), aFetch(), aFetch(over), aFetch(over), aFetch(), aFetch(over)]) recorder.onFetch(fetch);
  await recorder.flush();
  expect(recorder.written.map(({ details }) => details.fetches ?? 1)).toEqual([1, 2, 1, 2]);
});

test('no statement writes more events than the limit', async () => {
  const recorder = createRecorder({ batch: 10 });
  for (let n = 0; n < 25; n++) recorder.onFetch(aFetch({ grantId: `grant-${n}` }));
  await recorder.flush();
  expect(recorder.statements).toEqual([10, 10, 5]);
});

test('a database that was away for long gets the newest events, and one that states the number lost', async () => {
  const recorder = createRecorder({ waiting: 10, singles: 2 });
  recorder.state.isAway = true;
  for (let n = 0; n < 4; n++) {
    for (let each = 0; each < 6; each++) recorder.onFetch(aFetch({ grantId: `grant-${n}` }));
    await expect(recorder.flush()).rejects.toBe(away);
  }
  // Three events an interval: 12, of which the first two, of one fetch each, are dropped.
  expect(recorder.losses).toEqual([2]);
  recorder.state.isAway = false;
  await recorder.flush();
  expect(recorder.written).toHaveLength(11);
  expect(recorder.written[0]).toMatchObject({
    action: 'audit.fetches_lost',
    actor: 'broker',
    organizationId: null,
    outcome: 'failure',
    details: { fetches: 2 },
  });
});

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('fetch' as const),
      grant: fc.integer({ min: 0, max: 4 }),
      times: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constant('flush' as const), waits: fc.boolean() }),
    fc.record({ kind: fc.constant('database' as const), isAway: fc.boolean() }),
  ),
  { maxLength: 60 },
);

test('an organisation that fetches made-up subjects without end pushes out no event of another', async () => {
  const recorder = createRecorder({ waiting: 10 });
  recorder.state.isAway = true;
  const fetchesOf = (organization: string, count: number) =>
    Array.from({ length: count }, (_, at) =>
      aFetch({
        actor: actorOf(organization),
        subject: `${organization}-${at}`,
        grantId: null,
        refusal: 'grant_not_found',
      }),
    );
  for (const fetches of [fetchesOf('acme', 3), fetchesOf('flood', 50), fetchesOf('globex', 2)]) {
    for (const fetch of fetches) recorder.onFetch(fetch);
    await recorder.flush().catch(() => undefined);
  }
  recorder.state.isAway = false;
  await recorder.flush();
  const written = Map.groupBy(recorder.written, ({ organizationId }) => organizationId);
  expect(written.get('acme')).toHaveLength(3);
  expect(written.get('globex')).toHaveLength(2);
  expect(written.get('flood')?.map(({ details }) => details.subject)).toEqual([
    'flood-45',
    'flood-46',
    'flood-47',
    'flood-48',
    'flood-49',
  ]);
  expect(recorder.losses.reduce((sum, lost) => sum + lost, 0)).toBe(45);
});

test('every fetch is counted once, as written or as lost, whatever the database does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), async (script, waiting) => {
      const recorder = createRecorder({ singles: 2, batch: 3, waiting });
      let fetched = 0;
      for (const step of script) {
        if (step.kind === 'database') recorder.state.isAway = step.isAway;
        else if (step.kind === 'flush') {
          const flushed = recorder.flush().catch(() => {});
          if (step.waits) await flushed;
        } else {
          fetched += step.times;
          for (let n = 0; n < step.times; n++) recorder.onFetch(aFetch({ grantId: `grant-${step.grant}` }));
        }
      }
      await recorder.flush().catch(() => {});
      recorder.state.isAway = false;
      await recorder.flush();
      await recorder.flush();
      const counted = recorder.written.map(({ details }) => Number(details.fetches ?? 1));
      expect(counted.reduce((sum, each) => sum + each, 0)).toBe(fetched);
      const times = recorder.written.filter(({ action }) => action !== 'audit.fetches_lost').map(({ time }) => time);
      expect(times).toEqual([...times].sort((a, b) => a.getTime() - b.getTime()));
    }),
  );
});

test('the number of waiting events is known until they are written', async () => {
  const { onFetch, flush, waiting } = createRecorder();
  for (let n = 0; n < 3; n++) onFetch(aFetch());
  expect(waiting()).toBe(3);
  await flush();
  expect(waiting()).toBe(0);
});
