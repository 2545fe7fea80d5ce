import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import { minutesFromNow } from '../../support/builders/grant.ts';
import { aProviderFailure } from '../../support/builders/provider.ts';
import {
  createRotatingPair,
  engineOn,
  openProcesses,
  storePair,
  tokensOf,
} from '../../support/engine/sibling-fixture.ts';
import { createMemorySpool } from '../../support/memory/spool.ts';
import type { TestStores } from '../../support/postgres/stores.ts';

let processes: TestStores[] = [];
beforeAll(async () => {
  processes = await openProcesses(2);
});
afterAll(async () => {
  for (const { end } of processes.toReversed()) await end();
});

function stores(): [TestStores, TestStores] {
  const [one, other] = processes;
  if (one === undefined || other === undefined) throw new Error('not open');
  return [one, other];
}

const live = { isSatisfiedBy: ({ metadata }: Grant) => (metadata?.expiresAt ?? 0) > new Date(), onDemand: false };
const refusal = () => aProviderFailure({ class: 'reauthorization', oauthError: 'token_revoked', httpStatus: 400 });
const eventsOf = async (id: string) => {
  const page = await stores()[0].audit.list(
    { grantId: id, reach: { organizations: '*', global: true } },
    { limit: 50 },
  );
  return page.events.map(({ action, outcome, details }) => [action, outcome, details.sibling ?? 'main']);
};

describe('a second token set', () => {
  test('is refreshed once by many readers in two processes, and the main one too, each by itself', async () => {
    const { id } = await storePair(stores()[0], 'together');
    const provider = createRotatingPair();
    const engines = stores().map((each) => engineOn(each, provider));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const engine = engines[n % 2];
        return n % 4 < 2 ? engine?.refreshGrant(id, live) : engine?.user.refreshGrant(id, live);
      }),
    );
    expect(new Set(results.map((result) => result?.kind))).toEqual(new Set(['fresh']));
    expect(provider.spent.toSorted()).toEqual(['rt-0', 'urt-0']);
    expect((await tokensOf(stores()[0], id)).tokens).toEqual(['at-1', 'rt-1', 'uat-1', 'urt-1']);
  });

  test('the two are never called for at the same time: they share the lease', async () => {
    const { id } = await storePair(stores()[0], 'one-at-a-time');
    const provider = createRotatingPair();
    let running = 0;
    let most = 0;
    provider.before = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running--;
    };
    const [one, other] = stores().map((each) => engineOn(each, provider));
    await Promise.all([one?.refreshGrant(id, live), other?.user.refreshGrant(id, live)]);
    expect([most, provider.spent.length]).toEqual([1, 2]);
  });

  test('its refusal is recorded with it alone: the main token set keeps its status, failures and retry date', async () => {
    const { id } = await storePair(stores()[0], 'refused-second');
    const provider = createRotatingPair();
    provider.before = async (sent) => {
      if (sent.startsWith('urt')) throw refusal();
    };
    const before = await tokensOf(stores()[0], id);
    const engine = engineOn(stores()[0], provider);
    expect(await engine.user.refreshGrant(id, live)).toMatchObject({ kind: 'failed' });
    const { grant, user, tokens } = await tokensOf(stores()[0], id);
    const { siblings: _, ...metadata } = grant.metadata ?? {};
    expect(metadata).toEqual((({ siblings: __, ...rest }) => rest)(before.grant.metadata ?? { siblings: undefined }));
    expect(grant).toMatchObject({
      status: 'completed',
      statusReason: null,
      lastError: null,
      retryAt: null,
      consecutiveFailures: 0,
      version: before.grant.version,
      leaseOwner: null,
      refreshStartedAt: null,
    });
    expect(user).toMatchObject({
      status: 'failed',
      statusReason: 'reauthorization_required',
      lastError: { error: 'token_revoked' },
      refreshStartedAt: null,
    });
    expect(tokens).toEqual(['at-0', 'rt-0', 'uat-0', 'urt-0']);
    expect(await engine.refreshGrant(id, live)).toMatchObject({ kind: 'fresh' });
    expect((await tokensOf(stores()[0], id)).user?.status).toBe('failed');
  });

  test('the refusal of the main token set neither ends nor delays it, and it does not revive the main one', async () => {
    const { id } = await storePair(stores()[0], 'refused-main');
    const provider = createRotatingPair();
    provider.before = async (sent) => {
      if (sent.startsWith('rt')) throw refusal();
    };
    const engine = engineOn(stores()[0], provider);
    expect(await engine.refreshGrant(id, live)).toMatchObject({ kind: 'failed' });
    expect(await engine.user.refreshGrant(id, live)).toMatchObject({ kind: 'fresh' });
    const { grant, tokens } = await tokensOf(stores()[0], id);
    expect(tokens).toEqual(['at-0', 'rt-0', 'uat-1', 'urt-1']);
    expect(grant).toMatchObject({ status: 'failed', statusReason: 'reauthorization_required' });
    expect(grant.retryAt).not.toBeNull();
  });

  test('after its holder was killed, a refusal says rotation_interrupted, for it and not for the main one', async () => {
    const [one, other] = stores();
    const { id } = await storePair(one, 'killed');
    await one.siblingRefreshes('user').acquire(id, 'killed/1', 1);
    const provider = createRotatingPair();
    provider.before = async () => {
      throw refusal();
    };
    const engine = engineOn(other, provider, { sleep: async () => undefined });
    await one.refreshes.voidLeases('killed/');
    await engine.user.refreshGrant(id, live);
    await engine.refreshGrant(id, live);
    const { grant, user } = await tokensOf(one, id);
    expect([user?.statusReason, grant.statusReason]).toEqual(['rotation_interrupted', 'reauthorization_required']);
  });

  test('it ends with the grant: a revoked grant is not refreshed', async () => {
    const [one] = stores();
    const { id } = await storePair(one, 'revoked');
    await one.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'test', reason: null, now: new Date() }));
    const provider = createRotatingPair();
    expect(await engineOn(one, provider).user.refreshGrant(id, live)).toEqual({ kind: 'gone' });
    expect(provider.spent).toEqual([]);
    expect((await one.refreshes.find(id))?.grant.metadata).toBeNull();
  });
});

describe('when a save is late', () => {
  test.each([
    ['the main token set', 'main', ['at-1', 'rt-1', 'uat-1', 'urt-1']],
    ['the second one', 'user', ['at-1', 'rt-1', 'uat-1', 'urt-1']],
  ])('%s is stored beside the newer other one, not discarded', async (_name, late, expected) => {
    const [one, other] = stores();
    const { id } = await storePair(one, `late-${late}`);
    const provider = createRotatingPair();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const isLate = (sent: string) => sent === (late === 'main' ? 'rt-0' : 'urt-0');
    provider.before = async (sent) => {
      if (isLate(sent)) await opened;
    };
    const paused = engineOn(one, provider, { leaseMs: 1 });
    const running = (late === 'main' ? paused : paused.user).refreshGrant(id, live);
    await vi.waitUntil(() => provider.spent.length === 1, { timeout: 10_000, interval: 10 });
    const second = engineOn(other, provider);
    // The lease of the paused process has lapsed.
    await (late === 'main' ? second.user : second).refreshGrant(id, live);
    open();
    expect(await running).toMatchObject({ kind: 'fresh' });
    expect((await tokensOf(one, id)).tokens).toEqual(expected);
    expect(provider.spent.toSorted()).toEqual(['rt-0', 'urt-0']);
  });

  test('a spooled second token set is replayed, also over a newer main one', async () => {
    const [one, other] = stores();
    const { id } = await storePair(one, 'spooled');
    const provider = createRotatingPair();
    const spool = createMemorySpool();
    const broken = {
      ...one,
      refreshes: { ...one.refreshes, save: () => Promise.reject(new Error('away')), keepLease: async () => undefined },
    };
    // It ends while it waits to try again.
    const ending = engineOn(broken, provider, { spool, sleep: () => new Promise(() => {}), leaseMs: 1 });
    expect(await ending.user.refreshGrant(id, live)).toMatchObject({ kind: 'fresh' });
    expect(await spool.list()).toHaveLength(1);
    const next = engineOn(other, provider);
    expect(await next.refreshGrant(id, live)).toMatchObject({ kind: 'fresh' });
    expect(await engineOn(one, provider).replay(spool)).toMatchObject({ written: 1, outdated: 0 });
    expect((await tokensOf(one, id)).tokens).toEqual(['at-1', 'rt-1', 'uat-1', 'urt-1']);
    expect(await spool.list()).toEqual([]);
  });

  test('a token set that was replaced by a reconnect is discarded, not stored over it', async () => {
    const [one] = stores();
    const { id } = await storePair(one, 'reconnected', {}, minutesFromNow(60));
    const provider = createRotatingPair();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    provider.before = () => opened;
    const running = engineOn(one, provider).user.refreshGrant(id, { ...live, isSatisfiedBy: () => false });
    await vi.waitUntil(() => provider.spent.length === 1, { timeout: 10_000, interval: 10 });
    await one.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'test', reason: null, now: new Date() }));
    open();
    expect((await running).kind).not.toBe('fresh');
    expect((await one.refreshes.find(id))?.grant.sealedTokens).toBeNull();
  });
});

test('each refresh of a second token set writes one audit event that names it', async () => {
  const { id } = await storePair(stores()[0], 'audited');
  const provider = createRotatingPair();
  const engine = engineOn(stores()[0], provider);
  await engine.user.refreshGrant(id, live);
  provider.before = async () => {
    throw refusal();
  };
  await engine.user.refreshGrant(id, { isSatisfiedBy: () => false, onDemand: true });
  expect((await eventsOf(id)).toSorted()).toEqual([
    ['grant.refresh_failed', 'failure', 'user'],
    ['grant.refreshed', 'success', 'user'],
  ]);
});
