import { expect, test } from 'vitest';
import { circuitsPanel } from '../../../../src/console/sweeps/circuits-panel.ts';
import { healthPanel, sweepPanel } from '../../../../src/console/sweeps/progress.ts';
import { stateOf } from '../../../../src/console/sweeps/sweep-state.ts';
import type { SweepStatus } from '../../../../src/domain/ports/maintenance/sweeps.ts';
import type { EndpointCircuit } from '../../../../src/domain/ports/oauth.ts';

const now = new Date('2030-01-31T12:00:00Z');
const sweep: SweepStatus = {
  id: 's',
  startedAt: new Date('2030-01-31T11:59:00Z'),
  finishedAt: new Date('2030-01-31T11:59:02Z'),
  isRunning: false,
  found: 10,
  enqueued: 8,
  refreshed: 5,
  failed: 2,
  skipped: 1,
};

test.each([
  ['Running', { ...sweep, isRunning: true, finishedAt: null }, true],
  ['Broke off', { ...sweep, finishedAt: null }, true],
  ['Ended', sweep, true],
  ['Refreshes go on', { ...sweep, skipped: 0 }, true],
  // A refresh whose process was killed is never counted.
  ['Ended', { ...sweep, skipped: 0 }, false],
])('%s is the state of such a sweep', (word, status, isNewest) => {
  expect(stateOf(status, isNewest).word).toBe(word);
});

test('a sweep under way shows how far its refreshes are, and one that ended shows no bar', () => {
  const { text } = sweepPanel({ ...sweep, skipped: 0 }, now);
  expect(text).toContain('<progress max="8" value="7"');
  expect(text).toContain('7 of 8');
  expect(sweepPanel(sweep, now).text).not.toContain('<progress');
});

test('the check of all grants shows its progress while it runs', () => {
  const run = {
    id: 'r',
    requestedAt: now,
    startedAt: now,
    finishedAt: null,
    isRunning: true,
    total: 20,
    healthy: 10,
    unhealthy: 2,
    skipped: 1,
  };
  const panel = (lastRun: typeof run | null) =>
    healthPanel({ healthy: 1, unhealthy: 2, unchecked: 3, lastRun, seesRunNumbers: true }, now).text;
  expect(panel(run)).toContain('13 of 20');
  expect(panel({ ...run, isRunning: false })).toContain('Waits for a worker');
  expect(panel(null)).toContain('No check of all grants was requested yet.');
});

test('an open circuit says when it becomes half-open', () => {
  const circuit = (changes: Partial<EndpointCircuit>): EndpointCircuit => ({
    endpoint: 'https://p.example/token',
    state: 'open',
    since: now,
    retryAt: null,
    ...changes,
  });
  const cells = (each: EndpointCircuit) => {
    const { text } = circuitsPanel(
      {
        circuits: [each],
        circuitCount: 1,
        backlog: null,
        background: null,
        unsavedTokens: 0,
        unconfirmedKeyIds: [],
        isListenerUp: true,
        isQueueUp: true,
      },
      now,
    );
    return text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  };
  expect(cells(circuit({ retryAt: new Date(now.getTime() + 30_000) }))).toContain('in 30 seconds');
  expect(cells(circuit({ retryAt: new Date(now.getTime() - 1000) }))).toContain('with the next call');
  expect(cells(circuit({ state: 'half_open' }))).toContain('Half-open now');
});
