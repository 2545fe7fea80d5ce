import { describe, expect, test } from 'vitest';
import { createSweepDueGrants, isSweepOverdue } from '../../../../src/broker/maintenance/sweep-due-grants.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { SweepStatus } from '../../../../src/domain/ports/maintenance/sweeps.ts';
import { createCountingQueue, createManyDue } from '../../../support/engine/maintenance-fixture.ts';

const minute = 60_000;
const schedule = { intervalMs: 30 * minute, windowMs: 240 * minute };
const never = new AbortController().signal;

function sweeping(
  { sweeps }: ReturnType<typeof createManyDue>,
  { port: queue, clock, sleep }: ReturnType<typeof createCountingQueue>,
) {
  let made = 0;
  return createSweepDueGrants({ sweeps, queue, clock, sleep, schedule, newId: () => `sweep-${++made}` });
}

describe('a sweep', () => {
  test('a sweep enqueues every due grant, urgent ones first and without delay', async () => {
    const due = createManyDue({ expiring: 1_200, retrying: 3, idle: 2 }, (n) => n < 700);
    const queue = createCountingQueue();
    expect(await sweeping(due, queue)(never)).toEqual({ found: 1_205, enqueued: 1_205 });
    const { first } = queue.queue;
    expect(new Set(first.map(({ id }) => id)).size).toBe(1_205);
    expect(first.slice(0, 700).every(({ urgent, spreadMs }) => urgent && spreadMs === 0)).toBe(true);
    const rest = first.slice(700);
    expect(rest.every(({ urgent, spreadMs }) => !urgent && spreadMs > 0 && spreadMs <= schedule.intervalMs / 2)).toBe(
      true,
    );
    expect(queue.queue.sweepIds).toEqual(new Set(['sweep-1']));
    expect(due.log).toEqual(['begin', 'finish 1205 1205']);
  });

  test.each([
    ['urgent', true],
    ['not urgent', false],
  ] as const)(
    'a sweep of a hundred thousand grants (%s) keeps at most a few thousand in the queue',
    async (_name, urgent) => {
      const due = createManyDue({ expiring: 100_000 }, () => urgent);
      const queue = createCountingQueue();
      expect(await sweeping(due, queue)(never)).toEqual({ found: 100_000, enqueued: 100_000 });
      expect(queue.queue.added).toBe(100_000);
      expect(queue.queue.mostReady).toBeLessThan(16_000);
      expect(queue.queue.mostDelayed).toBeLessThanOrEqual(10_500);
      expect(queue.queue.largestBatch).toBeLessThanOrEqual(500);
    },
  );

  test('a sweep delays no refresh beyond its share of the interval, however long it waited', async () => {
    const queue = createCountingQueue({ perSleep: 25 });
    await sweeping(
      createManyDue({ expiring: 9_000 }, (n) => n < 8_000),
      queue,
    )(never);
    const start = new Date('2030-01-01T00:00:00Z').getTime();
    expect(queue.clock().getTime()).toBeGreaterThan(start + 20_000);
    expect(queue.queue.latest).toBe(start + schedule.intervalMs / 5);
    expect(queue.queue.added).toBe(9_000);
  });

  test('a sweep skips grants that an earlier sweep queued and that are not finished', async () => {
    const queue = createCountingQueue({ queued: ['expiring-0', 'expiring-599', 'retrying-1'] });
    const due = createManyDue({ expiring: 600, retrying: 2 }, () => true);
    expect(await sweeping(due, queue)(never)).toEqual({ found: 602, enqueued: 599 });
    const ids = queue.queue.first.map(({ id }) => id);
    expect(new Set(ids).size).toBe(599);
    expect(ids).not.toContain('expiring-599');
  });

  test('a sweep of a few grants does not delay them', async () => {
    const queue = createCountingQueue();
    await sweeping(
      createManyDue({ expiring: 400, idle: 50 }, () => false),
      queue,
    )(never);
    expect(queue.queue.first).toHaveLength(450);
    expect(queue.queue.first.every(({ spreadMs }) => spreadMs === 0)).toBe(true);
  });

  test('a sweep deals out grants in turns, so that none waits for more than its fair share of others', async () => {
    const queue = createCountingQueue({ perSleep: 100 });
    const due = createManyDue(
      [
        { organizationId: 'slow', connectionId: 's', expiring: 400 },
        { organizationId: 'large', connectionId: 'l', expiring: 100_000 },
        { organizationId: 'large', connectionId: 'small', expiring: 30 },
        { organizationId: 'third', connectionId: 't', expiring: 40, idle: 250 },
      ],
      () => true,
    );
    await sweeping(due, queue)(never);
    const order = queue.queue.first.map(({ id }) => id);
    const placeOf = (id: string) => order.indexOf(id);
    // The others had at most one turn of a hundred each before every turn of the third organisation.
    expect(placeOf('t-expiring-39')).toBeLessThan(3 * 100);
    expect(placeOf('t-idle-99')).toBeLessThan(6 * 100);
    expect(placeOf('t-idle-249')).toBeLessThan(12 * 100);
    // The small connection shares the first turn of its organisation with the large one.
    expect(placeOf('small-expiring-29')).toBeLessThan(2 * 100);
    expect(queue.queue.added).toBe(100_720);
  });

  test('a sweep goes on with the grants of others while thousands of one organisation hang', async () => {
    const queue = createCountingQueue({ hanging: new Set(['slow']) });
    const due = createManyDue(
      [
        { organizationId: 'slow', connectionId: 's', expiring: 20_000 },
        { organizationId: 'fine', connectionId: 'f', expiring: 20_000 },
      ],
      () => true,
    );
    const ending = new AbortController();
    const sleep = queue.sleep;
    let pauses = 0;
    queue.sleep = async (ms, signal) => {
      pauses += 1;
      if (pauses > 100) ending.abort();
      await sleep(ms, signal);
    };
    await expect(sweeping(due, queue)(ending.signal)).rejects.toThrow();
    expect(queue.queue.added).toBe(20_000 + 10 * 100);
    expect(queue.queue.mostBatches).toBe(10);
  });

  test('a sweep that breaks off lets another begin at once', async () => {
    const due = createManyDue({ expiring: 1_000 }, () => true);
    const queue = createCountingQueue();
    queue.port.enqueue = async () => {
      throw BrokerError.with('service_unavailable', 'away', { retry_after: 1 });
    };
    await expect(sweeping(due, queue)(never)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(due.log).toEqual(['begin', 'giveUp']);
  });

  test('a sweep that waits for the queue ends on abort', async () => {
    const due = createManyDue({ expiring: 100_000 }, () => true);
    const queue = createCountingQueue({ perSleep: 0 });
    const ending = new AbortController();
    const sleep = queue.sleep;
    queue.sleep = async (ms, signal) => {
      ending.abort();
      await sleep(ms, signal);
    };
    await expect(sweeping(due, queue)(ending.signal)).rejects.toThrow();
    expect(due.log).toEqual(['begin', 'giveUp']);
    expect(queue.queue.added).toBeLessThan(6_000);
  });

  test('a sweep waits for an active one and replaces it only if it breaks off', async () => {
    for (const [results, swept] of [
      [['running', 'running', 'done'], null],
      [['running', 'begun'], { found: 1, enqueued: 1 }],
    ] as const) {
      const due = createManyDue({ expiring: 1 }, () => true);
      const remaining = [...results];
      due.sweeps.begin = async () => remaining.shift() ?? 'begun';
      expect(await sweeping(due, createCountingQueue())(never)).toEqual(swept);
      expect(remaining).toEqual([]);
    }
  });
});

describe('an overdue sweep at start', () => {
  const now = new Date('2030-01-01T12:00:00Z');
  const last: SweepStatus = {
    id: 'last',
    startedAt: new Date(now.getTime() - 10 * minute),
    finishedAt: now,
    isRunning: false,
    found: 0,
    enqueued: 0,
    refreshed: 0,
    failed: 0,
    skipped: 0,
  };
  test.each([
    ['overdue before the first one', null, true],
    ['not overdue if the last one began within the interval', last, false],
    ['overdue if the last one began longer ago', { ...last, startedAt: new Date(now.getTime() - 31 * minute) }, true],
    ['overdue if the last one broke off', { ...last, finishedAt: null }, true],
    ['not overdue while another one runs', { ...last, finishedAt: null, isRunning: true }, false],
  ])('a sweep is %s', async (_name, found, overdue) => {
    const { sweeps } = createManyDue({}, () => false);
    sweeps.last = async () => found;
    expect(await isSweepOverdue({ sweeps, clock: () => now, schedule })).toBe(overdue);
  });
});
