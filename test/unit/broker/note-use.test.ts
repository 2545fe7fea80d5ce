import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createNoteUse } from '../../../src/broker/note-use.ts';
import type { ServableGrant } from '../../../src/domain/credential.ts';
import { BrokerError } from '../../../src/domain/errors.ts';
import type { RefreshAhead } from '../../../src/domain/ports/upkeep.ts';

const schedule = { intervalMs: 1_800_000, windowMs: 14_400_000 };
const start = new Date('2030-01-01T00:00:00Z');

function grant(over: Partial<ServableGrant> = {}, lifetimeSeconds: number | null = 600): ServableGrant {
  const expiresAt = lifetimeSeconds === null ? null : new Date(start.getTime() + lifetimeSeconds * 1000);
  const facts = {
    expiresAt,
    refreshExpiresAt: null,
    obtainedAt: start,
    lifetimeSeconds,
    refreshable: true,
    scopes: [],
  };
  return {
    id: 'g',
    connectionId: 'c',
    organizationId: null,
    subject: null,
    accountId: null,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: new Uint8Array([1]),
    facts,
    version: 1,
    retryAt: null,
    refreshStartedAt: null,
    ...over,
  };
}

describe('the use of a token', () => {
  let now: Date;
  let queued: RefreshAhead[];
  let failure: unknown;
  let errors: unknown[];
  let noteUse: (grant: ServableGrant) => void;
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
    noteUse = createNoteUse({ queue, clock: () => now, schedule, onError: (error) => errors.push(error) });
  });

  test('that may expire between two sweeps asks once for a refresh shortly before its expiry', async () => {
    for (let reads = 0; reads < 100; reads++) noteUse(grant());
    await settle();
    // A fifth of the lifetime before the end.
    expect(queued).toEqual([{ grantId: 'g', version: 1, delayMs: 480_000 }]);
  });

  test('asks again for each token set that is used, and never for one that is not', async () => {
    noteUse(grant());
    noteUse(grant({ version: 2 }));
    noteUse(grant({ version: 2 }));
    noteUse(grant({ id: 'other' }));
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
    ['that nothing can refresh', grant({ facts: { ...grant().facts, refreshable: false } as ServableGrant['facts'] })],
    ['of a grant that failed', grant({ status: 'failed' })],
  ])('%s asks for nothing', async (_name, used) => {
    noteUse(used);
    await settle();
    expect(queued).toEqual([]);
  });

  test('is not held up nor refused while the queue is away, and noted again later', async () => {
    failure = BrokerError.with('service_unavailable', 'away', { retry_after: 5 });
    noteUse(grant());
    await settle();
    failure = undefined;
    noteUse(grant());
    await settle();
    expect(queued).toEqual([]);
    now = new Date(start.getTime() + 6_000);
    noteUse(grant());
    await settle();
    expect(queued).toEqual([{ grantId: 'g', version: 1, delayMs: 474_000 }]);
    expect(errors).toEqual([]);
  });

  test('inside the margin asks for a refresh at once', async () => {
    now = new Date(start.getTime() + 599_000);
    noteUse(grant());
    await settle();
    expect(queued).toEqual([{ grantId: 'g', version: 1, delayMs: 0 }]);
  });
});
