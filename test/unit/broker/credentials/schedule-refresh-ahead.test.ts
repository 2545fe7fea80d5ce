import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createScheduleRefreshAhead } from '../../../../src/broker/credentials/schedule-refresh-ahead.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { ServableGrant } from '../../../../src/domain/grants/credential.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { RefreshAhead } from '../../../../src/domain/ports/maintenance/queue.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const schedule = { intervalMs: 1_800_000, windowMs: 14_400_000 };
const start = new Date('2030-01-01T00:00:00Z');

function grant(over: Partial<Grant> = {}, lifetimeSeconds: number | null = 600): Grant {
  const expiresAt = lifetimeSeconds === null ? null : new Date(start.getTime() + lifetimeSeconds * 1000);
  return aGrant({ id: 'g', metadata: someMetadata({ expiresAt, obtainedAt: start, lifetimeSeconds }), ...over });
}

describe('scheduling a refresh ahead of expiry', () => {
  let now: Date;
  let queued: RefreshAhead[];
  let failure: unknown;
  let errors: unknown[];
  let scheduleRefreshAhead: (grant: ServableGrant) => void;
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    now = start;
    queued = [];
    failure = undefined;
    errors = [];
    const queue = {
      enqueueAhead: vi.fn(async (jobs: readonly RefreshAhead[]) => {
        if (failure !== undefined) throw failure;
        queued.push(...jobs);
      }),
    };
    scheduleRefreshAhead = createScheduleRefreshAhead({
      queue,
      clock: () => now,
      schedule,
      onError: (error) => errors.push(error),
    });
  });

  test('a used token that may expire between two sweeps is scheduled once, shortly before its expiry', async () => {
    for (let reads = 0; reads < 100; reads++) scheduleRefreshAhead(grant());
    await settle();
    // The soft margin of a ten-minute token is a fifth of its lifetime.
    expect(queued).toEqual([{ grantId: 'g', organizationId: 'acme', version: 1, delayMs: 480_000 }]);
  });

  test('each token set that is used is scheduled once, and no other', async () => {
    scheduleRefreshAhead(grant());
    scheduleRefreshAhead(grant({ version: 2 }));
    scheduleRefreshAhead(grant({ version: 2 }));
    scheduleRefreshAhead(grant({ id: 'other' }));
    await settle();
    expect(queued.map(({ grantId, version }) => [grantId, version])).toEqual([
      ['g', 1],
      ['g', 2],
      ['other', 1],
    ]);
  });

  test.each([
    ['that outlives the next sweep', grant({}, 3600)],
    ['without an expiry', grant({}, null)],
    [
      'that cannot be refreshed',
      grant({ metadata: { ...grant().metadata, refreshable: false } as ServableGrant['metadata'] }),
    ],
    ['of a grant that failed', grant({ status: 'failed' })],
  ])('a token %s is not scheduled', async (_name, used) => {
    scheduleRefreshAhead(used);
    await settle();
    expect(queued).toEqual([]);
  });

  test('an unreachable queue does not affect the read, and the token is scheduled later', async () => {
    failure = BrokerError.with('service_unavailable', 'away', { retry_after: 5 });
    scheduleRefreshAhead(grant());
    await settle();
    failure = undefined;
    scheduleRefreshAhead(grant());
    await settle();
    expect(queued).toEqual([]);
    now = new Date(start.getTime() + 6_000);
    scheduleRefreshAhead(grant());
    await settle();
    expect(queued).toEqual([{ grantId: 'g', organizationId: 'acme', version: 1, delayMs: 474_000 }]);
    expect(errors).toEqual([]);
  });

  test('a token inside the soft margin is scheduled at once', async () => {
    now = new Date(start.getTime() + 599_000);
    scheduleRefreshAhead(grant());
    await settle();
    expect(queued).toEqual([{ grantId: 'g', organizationId: 'acme', version: 1, delayMs: 0 }]);
  });
});
