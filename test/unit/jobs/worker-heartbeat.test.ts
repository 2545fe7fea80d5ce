import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWorkerHeartbeat } from '../../../src/jobs/worker-heartbeat.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function createFixture({ isUp = true } = {}) {
  const calls: string[] = [];
  const state = { isUp, fails: false };
  const heartbeat = createWorkerHeartbeat({
    workers: {
      beat: async (id, isFirst) => {
        calls.push(`${isFirst ? 'first' : 'beat'} ${id}`);
        if (state.fails) throw new Error('away');
      },
      remove: async (id) => {
        calls.push(`remove ${id}`);
      },
    },
    id: 'a',
    isWorking: () => state.isUp,
    onError: () => calls.push('error'),
  });
  return { heartbeat, calls, state };
}

test('the first heartbeat is sent before the start ends, and the next one seconds later', async () => {
  const { heartbeat, calls } = createFixture();
  await heartbeat.start();
  expect(calls).toEqual(['first a']);
  await vi.advanceTimersByTimeAsync(4_500);
  expect(calls).toEqual(['first a']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual(['first a', 'beat a']);
});

test('a worker without the queue sends no heartbeat, and sends one half a second after the queue is back', async () => {
  const { heartbeat, calls, state } = createFixture({ isUp: false });
  await heartbeat.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toEqual([]);
  state.isUp = true;
  await vi.advanceTimersByTimeAsync(500);
  expect(calls).toEqual(['first a']);
});

test('a heartbeat that failed is sent again as the first one', async () => {
  const { heartbeat, calls, state } = createFixture();
  state.fails = true;
  await heartbeat.start();
  state.fails = false;
  await vi.advanceTimersByTimeAsync(500);
  expect(calls).toEqual(['first a', 'error', 'first a']);
});

test('a stop removes the row after the last heartbeat, and nothing follows', async () => {
  const { heartbeat, calls } = createFixture();
  await heartbeat.start();
  await heartbeat.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toEqual(['first a', 'remove a']);
});

test('a process that never worked removes nothing', async () => {
  const { heartbeat, calls } = createFixture({ isUp: false });
  await heartbeat.start();
  await heartbeat.stop();
  expect(calls).toEqual([]);
});
