import { expect, test } from 'vitest';
import { observeRefreshes } from '../../../../src/broker/refresh/observe-refresh.ts';
import type { RefreshResult } from '../../../../src/broker/refresh/refresh-result.ts';
import type { LastError } from '../../../../src/domain/grants/grant.ts';
import type { LeasedGrant } from '../../../../src/domain/ports/engine.ts';
import type { RefreshEnd } from '../../../../src/domain/ports/monitoring/observations.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aGrant } from '../../../support/builders/grant.ts';

const start = new Date('2030-01-01T00:00:00Z');
const leased: LeasedGrant = {
  grant: aGrant(),
  connection: { ...aConnection('acme', 'crm', { provider: 'slack' }), revision: 1, createdAt: start, updatedAt: start },
  interrupted: false,
  lapsed: false,
  clientPaused: false,
};
const retryAt = start;
const failedAt = (at: Date): LastError => ({
  class: 'throttled',
  error: null,
  errorDescription: null,
  httpStatus: 429,
  at,
  attempts: 1,
});
const before = new Date(start.getTime() - 1);

/** Runs one refresh of 1.5 seconds. */
async function reportOf(call: () => Promise<RefreshResult>): Promise<RefreshEnd[]> {
  const ends: RefreshEnd[] = [];
  let now = start;
  const callProvider = observeRefreshes(
    async () => {
      now = new Date(start.getTime() + 1_500);
      return call();
    },
    { onRefreshEnd: (end) => ends.push(end), clock: () => now },
  );
  await callProvider(leased, 'owner', { inBackground: false }).catch(() => undefined);
  return ends;
}

const rows: [situation: string, result: RefreshResult, end: Pick<RefreshEnd, 'result' | 'reason'>][] = [
  ['a new token set', { kind: 'fresh', grant: aGrant() }, { result: 'refreshed', reason: null }],
  [
    'a grant that failed, by its status_reason',
    { kind: 'failed', grant: aGrant({ status: 'failed', statusReason: 'reauthorization_required' }) },
    { result: 'failed', reason: 'reauthorization_required' },
  ],
  [
    'a failure that will be tried again, by its class',
    { kind: 'unavailable', grant: aGrant({ lastError: failedAt(start) }), retryAt },
    { result: 'temporary_failure', reason: 'throttled' },
  ],
  [
    'a call that was held back, whatever failed before it',
    { kind: 'unavailable', grant: aGrant({ lastError: failedAt(before) }), retryAt },
    { result: 'held_back', reason: null },
  ],
  ['a grant that was deleted', { kind: 'gone' }, { result: 'gone', reason: null }],
];

test.each(rows)('%s is reported once, with provider and duration', async (_situation, result, end) => {
  expect(await reportOf(async () => result)).toEqual([{ ...end, provider: 'slack', seconds: 1.5 }]);
});

test('an error of the broker is reported and thrown on', async () => {
  const ends = await reportOf(() => Promise.reject(new Error('no database')));
  expect(ends).toEqual([{ result: 'error', reason: null, provider: 'slack', seconds: 1.5 }]);
});
