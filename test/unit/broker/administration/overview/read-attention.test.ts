import { expect, test } from 'vitest';
import {
  createReadAttention,
  type ReadAttentionDeps,
} from '../../../../../src/broker/administration/overview/read-attention.ts';
import { createReadQueue } from '../../../../../src/broker/administration/overview/read-queue.ts';
import type { Caller, Reach } from '../../../../../src/domain/callers/caller.ts';
import { BrokerError } from '../../../../../src/domain/errors.ts';
import type { EndpointCircuit } from '../../../../../src/domain/ports/oauth.ts';
import { actorOf } from '../../../../support/memory/broker.ts';
import { createIdleMaintenance, idleReadings } from '../../../../support/memory/idle-maintenance.ts';

const now = new Date('2030-01-01T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const callerOf = (reach: Reach): Caller => ({ ...actorOf(null).caller, ...reach });
const everything = callerOf({ organizations: '*', global: true });
const circuit = (state: EndpointCircuit['state'], minutes: number): EndpointCircuit => ({
  endpoint: `https://provider.test/${state}/${minutes}`,
  state,
  since: minutesAgo(minutes),
  retryAt: null,
});

function attention(changes: Partial<ReadAttentionDeps> = {}) {
  return createReadAttention({
    fleet: createIdleMaintenance().fleet,
    readings: idleReadings(),
    circuits: () => [],
    keyBackups: { list: async () => [] },
    schedule: { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 },
    expiryWarningMs: 7 * 86_400_000,
    callsTokenEndpoints: true,
    heldKeyIds: ['k2', 'k1'],
    clock: () => now,
    ...changes,
  });
}

test.each<Reach>([
  { organizations: ['acme'], global: false },
  { organizations: ['acme'], global: true },
  { organizations: '*', global: false },
])('a caller that does not reach the whole installation learns nothing of it: %j', async (reach) => {
  expect((await attention({ circuits: () => [circuit('open', 1)] })(callerOf(reach))).installation).toBeNull();
  await expect(createReadQueue({ readings: idleReadings() })(callerOf(reach))).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('circuits that are not closed are listed, the oldest change first, up to a bound', async () => {
  const circuits = [circuit('open', 1), circuit('closed', 9), circuit('half_open', 5)];
  const { installation } = await attention({ circuits: () => circuits })(everything);
  expect(installation?.circuits).toEqual([circuits[2], circuits[0]]);
  const many = Array.from({ length: 300 }, (_, minutes) => circuit('open', minutes));
  const bounded = (await attention({ circuits: () => many })(everything)).installation;
  expect(bounded?.circuits).toHaveLength(50);
  expect(bounded).toMatchObject({
    circuitCount: 300,
    circuits: [{ since: minutesAgo(299) }, {}, ...Array(48).fill({})],
  });
});

test.each([
  [null, null, false],
  [null, 61, true],
  [null, 59, false],
  [59, 500, false],
  [61, 500, true],
])(
  'sweeps are overdue two intervals after the last one, or after the start: %s, %s',
  async (swept, works, isSweepOverdue) => {
    const at = (minutes: number | null) => (minutes === null ? null : minutesAgo(minutes));
    const background = async () => ({ workers: 1, workingSince: at(works), lastSweepAt: at(swept) });
    const { installation } = await attention({ readings: { ...idleReadings(), background } })(everything);
    expect(installation?.background).toEqual({ workers: 1, lastSweepAt: at(swept), isSweepOverdue });
  },
);

test('keys without a confirmed backup are named; without token endpoints there are no workers to miss', async () => {
  const backup = { keyId: 'k1', confirmedAt: now, confirmedBy: 'bootstrap' };
  const read = attention({ keyBackups: { list: async () => [backup] }, callsTokenEndpoints: false });
  expect((await read(everything)).installation).toMatchObject({
    unconfirmedKeyIds: ['k2'],
    background: null,
    backlog: null,
  });
});

test('a queue that is down, or goes down meanwhile, has no readings', async () => {
  const queue = { queue: 'periodic', jobs: { ready: 1, delayed: 2, running: 3 } } as const;
  const readings = { ...idleReadings(), queues: async () => [queue] };
  expect(await createReadQueue({ readings })(everything)).toEqual({ isUp: true, queues: [queue] });
  const down = { ...readings, isQueueUp: () => false };
  expect(await createReadQueue({ readings: down })(everything)).toEqual({ isUp: false, queues: null });
  const queues = async () => {
    throw BrokerError.with('service_unavailable', 'The queue cannot be reached.', { retry_after: 5 });
  };
  expect(await createReadQueue({ readings: { ...readings, queues } })(everything)).toEqual({
    isUp: false,
    queues: null,
  });
});
