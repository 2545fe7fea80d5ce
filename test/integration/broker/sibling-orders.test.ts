import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRefreshDueGrant } from '../../../src/broker/maintenance/refresh-due-grant.ts';
import { createRefreshSiblings } from '../../../src/broker/maintenance/refresh-siblings.ts';
import { newId } from '../../../src/crypto/tokens.ts';
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
import type { TestStores } from '../../support/postgres/stores.ts';

const minute = 60_000;
const schedule = { intervalMs: 30 * minute, windowMs: 240 * minute };
const clock = () => new Date();

let processes: TestStores[] = [];
let stores: TestStores;
beforeAll(async () => {
  processes = await openProcesses(2);
  const [first] = processes;
  if (first === undefined) throw new Error('not open');
  stores = first;
});
afterAll(async () => {
  for (const { end } of processes.toReversed()) await end();
});

const refusal = () => aProviderFailure({ class: 'reauthorization', oauthError: 'invalid_grant', httpStatus: 400 });
const outage = () => aProviderFailure({ class: 'transient', httpStatus: 503 });
const always = { isSatisfiedBy: () => false, onDemand: true, triesRefused: true };

test('after any order of refreshes, refusals and outages in two processes, each set is what its own calls made it', async () => {
  const step = fc.record({
    process: fc.nat(1),
    part: fc.constantFrom('rt', 'urt'),
    outcome: fc.constantFrom('success', 'refusal', 'outage'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 7 }), async (steps) => {
      const { id } = await storePair(stores, newId(), {}, minutesFromNow(600));
      const provider = createRotatingPair();
      let outcome = 'success';
      provider.before = async () => {
        if (outcome !== 'success') throw outcome === 'refusal' ? refusal() : outage();
      };
      const engines = processes.map((each) => engineOn(each, provider));
      const model = { rt: { number: 0, failed: false }, urt: { number: 0, failed: false } };
      for (const one of steps) {
        outcome = one.outcome;
        const engine = engines[one.process];
        const isMain = one.part === 'rt';
        await (isMain ? engine : engine?.user)?.refreshGrant(id, always);
        const own = isMain ? model.rt : model.urt;
        if (outcome === 'success') Object.assign(own, { number: own.number + 1, failed: false });
        if (outcome === 'refusal') own.failed = true;
      }
      const { grant, user, tokens } = await tokensOf(stores, id);
      const { rt, urt } = model;
      expect(tokens).toEqual([`at-${rt.number}`, `rt-${rt.number}`, `uat-${urt.number}`, `urt-${urt.number}`]);
      expect([grant.status === 'failed', user?.status === 'failed']).toEqual([rt.failed, urt.failed]);
      expect([grant.leaseOwner, grant.refreshStartedAt, user?.refreshStartedAt]).toEqual([null, null, null]);
    }),
    { numRuns: 30 },
  );
});

describe('the sweep', () => {
  async function selected(): Promise<string[]> {
    const id = newId();
    const query = { part: 'siblings', now: new Date(), ...schedule, after: null, limit: 500 } as const;
    await stores.sweeps.collect(id, query);
    const found: string[] = [];
    for (const lane of await stores.sweeps.lanes(id)) {
      found.push(...(await stores.sweeps.due(id, lane, { after: null, limit: 500 })).grantIds);
    }
    await stores.sweeps.giveUp(id);
    return found;
  }

  const inTenHours = () => minutesFromNow(600);
  async function expiring(minutes: number, user = {}) {
    const { id } = await storePair(stores, newId(), user, inTenHours());
    const leased = await stores.siblingRefreshes('user').acquire(id, 'test', 60_000);
    if (leased?.grant.metadata && leased.grant.sealedTokens) {
      const metadata = {
        ...leased.grant.metadata,
        expiresAt: minutesFromNow(minutes),
        obtainedAt: minutesFromNow(-60),
      };
      const event = {
        time: new Date(),
        actor: 'broker',
        action: 'grant.refreshed',
        organizationId: 'acme',
        connectionId: null,
        connectionName: null,
        grantId: id,
        outcome: 'success',
        details: {},
        requestId: null,
        address: null,
      } as const;
      await stores.refreshes.save(leased.grant, 'test', { sealed: leased.grant.sealedTokens, metadata }, event, 'user');
    }
    return id;
  }

  async function fail(id: string, failed: 'provider_rejected' | null, retryAt: Date | null) {
    const store = stores.siblingRefreshes('user');
    const leased = await store.acquire(id, 'test', 60_000);
    if (leased === undefined) throw new Error('the lease is taken');
    const event = {
      time: new Date(),
      actor: 'broker',
      action: 'grant.refresh_failed',
      organizationId: 'acme',
      connectionId: null,
      connectionName: null,
      grantId: id,
      outcome: 'failure',
      details: {},
      requestId: null,
      address: null,
    } as const;
    await store.fail(leased, 'test', { failed, message: 'No.', retryAt, keepIntent: false }, event);
  }

  test('selects a grant by the expiry and the retry date of its second token set, whatever those of the main one', async () => {
    const [due, later, paused, resumed, retried, ended] = [
      await expiring(200),
      await expiring(300),
      await expiring(200),
      await expiring(200),
      await expiring(300),
      await expiring(200),
    ];
    await fail(paused, null, minutesFromNow(5));
    await fail(resumed, null, minutesFromNow(-1));
    await fail(retried, 'provider_rejected', minutesFromNow(-1));
    await fail(ended, 'provider_rejected', null);
    const found = await selected();
    expect([due, later, paused, resumed, retried, ended].map((id) => found.includes(id))).toEqual([
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
  });

  test('its job refreshes the second token set alone, and the grant is then no longer selected', async () => {
    const id = await expiring(60);
    const provider = createRotatingPair();
    const { refreshGrant, engineOf } = engineOn(stores, provider);
    const noted: string[] = [];
    const refreshSiblings = createRefreshSiblings({ engineOf, clock, schedule, onBackgroundError: () => {} });
    const statistics = { note: (_sweep: string, outcome: string) => void noted.push(outcome) };
    const job = createRefreshDueGrant({ refreshGrant, refreshSiblings, statistics, clock, schedule });
    provider.respond = ((respond) => async (held) => ({ ...(await respond(held)), lifetimeSeconds: 43_200 }))(
      provider.respond,
    );
    await job(id, 'sweep');
    await job(id, 'sweep');
    expect([provider.spent, noted]).toEqual([['urt-0'], ['refreshed', 'skipped']]);
    expect((await tokensOf(stores, id)).tokens).toEqual(['at-0', 'rt-0', 'uat-1', 'urt-1']);
    expect(await selected()).not.toContain(id);
  });

  test('with both due, its job refreshes both', async () => {
    const { id } = await storePair(stores, newId());
    const provider = createRotatingPair();
    const { refreshGrant, engineOf } = engineOn(stores, provider);
    const refreshSiblings = createRefreshSiblings({ engineOf, clock, schedule, onBackgroundError: () => {} });
    const job = createRefreshDueGrant({
      refreshGrant,
      refreshSiblings,
      statistics: { note: () => {} },
      clock,
      schedule,
    });
    const result = await job(id, null);
    expect((result as { grant: Grant }).grant.id).toBe(id);
    expect(provider.spent).toEqual(['rt-0', 'urt-0']);
  });
});
