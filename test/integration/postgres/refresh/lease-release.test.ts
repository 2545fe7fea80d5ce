import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { RefreshStore } from '../../../../src/domain/ports/engine.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aProviderFailure, aTokenResponse } from '../../../support/builders/provider.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import {
  createCountingProvider,
  createEngine,
  storeRefreshableGrant,
} from '../../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const leaseMs = 45_000;
const unavailable = BrokerError.with('service_unavailable', 'The database cannot be reached.', { retry_after: 2 });
const onDemand = { isSatisfiedBy: () => false, onDemand: true };
const isFresh = (grant: Grant) => (grant.metadata?.expiresAt?.getTime() ?? 0) > Date.now();
const expired = { isSatisfiedBy: isFresh, onDemand: false };

async function unreachable(): Promise<never> {
  throw unavailable;
}

describe('a lease after an error', () => {
  let stores: TestStores;
  let admin: pg.Client;
  let sequence = 0;
  beforeAll(async () => {
    stores = await openTestStores();
    admin = new pg.Client({ connectionString: stores.url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await stores.end();
  });

  const newGrant = () => storeRefreshableGrant(stores, `lease-${++sequence}`);
  const answering = () => createCountingProvider(async () => aTokenResponse('at-1', 'rt-1'));
  /** The engine of a process whose store fails at some operations. */
  const engineWith = (faults: Partial<RefreshStore>, provider = answering()) =>
    createEngine({ ...stores, refreshes: { ...stores.refreshes, ...faults } }, provider, { leaseMs });

  async function stored(id: string): Promise<Grant> {
    const found = await stores.refreshes.find(id);
    if (found === undefined) throw new Error('the grant is gone');
    return found.grant;
  }

  /** Marks the grant as a process does that was killed during a provider call. */
  async function interrupt(id: string): Promise<Grant> {
    await stores.refreshes.acquire(id, 'killed', -1);
    return stored(id);
  }

  test('another process refreshes at once after a store operation under the lease failed', async () => {
    const { id } = await newGrant();
    const broken = engineWith({ countOnDemand: unreachable });
    await expect(broken.refreshGrant(id, onDemand)).rejects.toBe(unavailable);
    expect(await stored(id)).toMatchObject({ leaseOwner: null, leaseUntil: null, refreshStartedAt: null });

    const provider = answering();
    expect(await createEngine(stores, provider).refreshGrant(id, expired)).toMatchObject({ kind: 'fresh' });
    expect(provider.spent).toEqual(['rt-0']);
  });

  test('a lease is released if the wait for a late save fails, and the earlier intent stays', async () => {
    const { id } = await newGrant();
    const { refreshStartedAt } = await interrupt(id);
    const broken = engineWith({ find: unreachable });
    await expect(broken.refreshGrant(id, expired)).rejects.toBe(unavailable);
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt });
    expect(await stores.refreshes.acquire(id, 'next', leaseMs)).toMatchObject({ interrupted: true });
  });

  test('a lease is released if the stored tokens cannot be opened', async () => {
    const connection = await storeConnection(stores, aConnection('acme', `lease-${++sequence}`));
    const id = await storeGrant(stores, 'acme', connection);
    const provider = answering();
    await expect(createEngine(stores, provider).refreshGrant(id, onDemand)).rejects.toThrow();
    expect(provider.spent).toEqual([]);
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
  });

  test('a lease is released if the failure of a request that was never sent cannot be recorded', async () => {
    const { id } = await newGrant();
    const provider = createCountingProvider(async () => {
      throw aProviderFailure({ sent: false, answered: false });
    });
    await expect(engineWith({ fail: unreachable }, provider).refreshGrant(id, expired)).rejects.toBe(unavailable);
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
  });

  test.each([
    ['fail', unreachable],
    ['find', unreachable],
  ])('a lease and its intent stay if %s throws after the request was sent', async (operation, fault) => {
    const { id } = await newGrant();
    const provider = createCountingProvider(async () => {
      throw aProviderFailure({ sent: true, answered: false });
    });
    const broken = engineWith({ [operation]: fault }, provider);
    await expect(broken.refreshGrant(id, expired)).rejects.toBe(unavailable);
    expect(await stored(id)).toMatchObject({ leaseOwner: expect.any(String), refreshStartedAt: expect.any(Date) });
  });

  test('the first error reaches the caller if the release fails, too', async () => {
    const { id } = await newGrant();
    const release = async () => {
      throw new Error('the release failed');
    };
    const broken = engineWith({ countOnDemand: unreachable, release });
    await expect(broken.refreshGrant(id, onDemand)).rejects.toBe(unavailable);
  });

  test('acquire leaves no lease behind if the connection cannot be read', async () => {
    const { id } = await newGrant();
    await stores.refreshes.find(id);
    await admin.query('alter table connections rename to connections_away');
    try {
      await expect(stores.refreshes.acquire(id, 'a', leaseMs)).rejects.toMatchObject({ code: 'service_unavailable' });
    } finally {
      await admin.query('alter table connections_away rename to connections');
    }
    expect(await stores.refreshes.acquire(id, 'b', leaseMs)).toMatchObject({ interrupted: false, lapsed: false });
  });

  test('acquire leaves an earlier intent in place if the connection cannot be read', async () => {
    const { id } = await newGrant();
    const { refreshStartedAt } = await interrupt(id);
    await admin.query('alter table connections rename to connections_away');
    await expect(stores.refreshes.acquire(id, 'a', leaseMs)).rejects.toThrow();
    await admin.query('alter table connections_away rename to connections');
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt });
  });

  test('a process that has prepared its statements refreshes after a migration adds columns', async () => {
    const { refreshGrant } = createEngine(stores, answering());
    const warm = await Promise.all(Array.from({ length: 10 }, newGrant));
    for (const { id } of warm) await refreshGrant(id, expired);
    await admin.query('alter table connections add column added_later text');
    await admin.query('alter table grants add column added_later text');
    const { id } = await newGrant();
    expect(await refreshGrant(id, expired)).toMatchObject({ kind: 'fresh' });
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
  });
});
