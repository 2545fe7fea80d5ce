import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { Connection, OrganizationId } from '../../../src/domain/connections/connection.ts';
import type { RefreshFailure } from '../../../src/domain/ports/engine.ts';
import type { FailureClass } from '../../../src/domain/provider-failure.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../../support/builders/grant.ts';
import { aProviderFailure, aTokenResponse, aTokenSet } from '../../support/builders/provider.ts';
import { storeConnection } from '../../support/builders/stored.ts';
import { cipher, createCountingProvider, createEngine } from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';

const minute = 60_000;

let stores: TestStores;
let client: pg.Client;
beforeAll(async () => {
  stores = await openTestStores();
  client = new pg.Client({ connectionString: stores.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});

async function globalConnection(): Promise<Connection> {
  return storeConnection(stores, { ...aConnection(null, `global-${newId()}`), sealedClientSecrets: null });
}

/** Stores a grant of that organisation whose refresh token names it. Its access token has expired unless told. */
async function storeGrantOf(connection: Connection, organizationId: OrganizationId, expiresAt = minutesFromNow(-1)) {
  const id = newId();
  const sealed = sealTokens(cipher, { id, organizationId }, aTokenSet('at-0', `rt-${id}`));
  const tokens = { ...tokensUntil(expiresAt), sealed };
  await stores.database.write(organizationId, ({ grants }) => grants.insert(id, anArrival(connection, { tokens })));
  return id;
}

async function stored(id: string) {
  const found = await stores.refreshes.find(id);
  if (found === undefined) throw new Error('the grant is gone');
  return found;
}

async function lastEvent(id: string) {
  const { rows } = await client.query<{ action: string; details: object }>(
    'select action, details from audit_events where grant_id = $1 order by id desc limit 1',
    [id],
  );
  return rows[0];
}

/** One process whose clock the test sets, and a provider that fails as the test says. */
function startProcess() {
  const time = { now: new Date() };
  let failure: Parameters<typeof aProviderFailure>[0] | null = null;
  const provider = createCountingProvider(async () => {
    if (failure !== null) throw aProviderFailure(failure);
    return aTokenResponse('at-1', null);
  });
  const reported: RefreshFailure[] = [];
  const onRefreshFailure = (reportedFailure: RefreshFailure) => void reported.push(reportedFailure);
  const { refreshGrant } = createEngine(stores, provider, { clock: () => time.now, onRefreshFailure });
  const never = { isSatisfiedBy: () => false, onDemand: false };
  return {
    reported,
    provider,
    meet: (facts: typeof failure) => {
      failure = facts;
    },
    pass: (ms: number) => {
      time.now = new Date(time.now.getTime() + ms);
    },
    read: (id: string) => refreshGrant(id, never),
    inBackground: (id: string) => refreshGrant(id, { ...never, inBackground: true }),
    renew: (id: string) => refreshGrant(id, { ...never, onDemand: true }),
    refreshOnDemand: (id: string) => refreshGrant(id, { ...never, onDemand: true, triesRefused: true }),
  };
}

const refusedToken = { class: 'reauthorization', oauthError: 'invalid_grant', httpStatus: 400 } as const;
const refusedClient = { class: 'client', oauthError: 'invalid_client', httpStatus: 401 } as const;

describe('evidence about one grant', () => {
  const failures = fc.array(
    fc.record({
      class: fc.constantFrom<FailureClass>(
        'client',
        'reauthorization',
        'configuration',
        'throttled',
        'transient',
        'unknown',
        'refused',
      ),
      sent: fc.boolean(),
      answered: fc.boolean(),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 10 * minute })),
      how: fc.constantFrom('read' as const, 'inBackground' as const, 'renew' as const, 'refreshOnDemand' as const),
    }),
    { minLength: 1, maxLength: 8 },
  );

  test('whatever the grant of one organisation meets, no row of another changes, nor the connection they share', async () => {
    await fc.assert(
      fc.asyncProperty(failures, async (sequence) => {
        const connection = await globalConnection();
        const mine = await storeGrantOf(connection, 'acme');
        const others = [await storeGrantOf(connection, 'other'), await storeGrantOf(connection, null)];
        const seen = () => Promise.all(others.map(stored));
        const before = await seen();
        const one = startProcess();
        for (const { how, ...facts } of sequence) {
          one.meet(facts);
          await one[how](mine);
          one.pass(16 * minute);
        }
        expect(await seen()).toEqual(before);
        one.meet(null);
        for (const id of others) expect(await one.read(id)).toMatchObject({ kind: 'fresh' });
      }),
      { numRuns: 25 },
    );
  });

  test('the failure is kept with the grant, written to the audit trail and reported, all three alike', async () => {
    const connection = await globalConnection();
    const id = await storeGrantOf(connection, 'acme');
    const one = startProcess();
    one.meet({ class: 'unknown', oauthError: 'odd', description: 'What is this?', httpStatus: 418 });
    await one.read(id);
    const said = { class: 'unknown', error: 'odd', attempts: 1 };
    const { grant } = await stored(id);
    expect(grant.lastError).toMatchObject({ ...said, errorDescription: 'What is this?', httpStatus: 418 });
    expect(await lastEvent(id)).toEqual({
      action: 'grant.refresh_failed',
      details: { ...said, error_description: 'What is this?', http_status: 418 },
    });
    expect(one.reported).toMatchObject([
      {
        connectionName: connection.name,
        grant: { id, organizationId: 'acme', subject: null },
        error: said,
        failed: null,
        retryAt: grant.retryAt,
      },
    ]);
    await one.read(id);
    expect(one.reported).toHaveLength(1);
  });
});

describe('a refused refresh token', () => {
  test('it is kept and tried again by itself; a success says recovered', async () => {
    const id = await storeGrantOf(await globalConnection(), 'acme');
    const one = startProcess();
    one.meet(refusedToken);
    expect(await one.read(id)).toMatchObject({ kind: 'failed', grant: { statusReason: 'reauthorization_required' } });
    one.pass(4 * minute);
    await one.inBackground(id);
    expect(one.provider.spent).toHaveLength(1);
    one.pass(minute);
    one.meet(null);
    expect(await one.inBackground(id)).toMatchObject({ kind: 'fresh' });
    expect((await stored(id)).grant).toMatchObject({ status: 'completed', statusReason: null, lastError: null });
    expect(await lastEvent(id)).toEqual({ action: 'grant.refreshed', details: { recovered: true } });
    expect(one.provider.spent).toEqual([`rt-${id}`, `rt-${id}`]);
  });

  test('a refresh on demand tries it at any time, a report of a rejected token or a read does not', async () => {
    const id = await storeGrantOf(await globalConnection(), 'acme');
    const one = startProcess();
    one.meet(refusedToken);
    await one.read(id);
    for (const pause of [5 * minute, 60 * minute, 24 * 60 * minute]) {
      for (let reads = 0; reads < 3; reads += 1) {
        await one.read(id);
        await one.renew(id);
        await one.inBackground(id);
      }
      one.pass(pause);
    }
    await one.read(id);
    expect((await stored(id)).grant.retryAt).toBeNull();
    const sent = one.provider.spent.length;
    expect(sent).toBe(4);
    one.pass(365 * 24 * 60 * minute);
    for (const call of [one.read, one.renew, one.inBackground])
      expect(await call(id)).toMatchObject({ kind: 'failed' });
    expect(one.provider.spent).toHaveLength(sent);
    expect(await one.refreshOnDemand(id)).toMatchObject({ kind: 'failed' });
    expect(one.provider.spent).toHaveLength(sent + 1);
    one.meet(null);
    expect(await one.refreshOnDemand(id)).toMatchObject({ kind: 'fresh' });
  });
});

describe('a refused client', () => {
  async function refused() {
    const connection = await globalConnection();
    const ids = [
      await storeGrantOf(connection, 'acme'),
      await storeGrantOf(connection, 'other'),
      await storeGrantOf(connection, 'third'),
    ];
    const bystander = await storeGrantOf(connection, 'fourth');
    const one = startProcess();
    one.meet(refusedClient);
    for (const id of ids) await one.inBackground(id);
    one.meet(null);
    return { one, ids, bystander, connection };
  }

  test('it fails only the grants that saw it, and holds background refreshes of the connection back', async () => {
    const { one, ids, bystander } = await refused();
    for (const id of ids) expect((await stored(id)).grant.statusReason).toBe('client_rejected');
    const calls = one.provider.spent.length;
    expect(await one.inBackground(bystander)).toMatchObject({ kind: 'unavailable', retryAt: expect.any(Date) });
    expect(one.provider.spent).toHaveLength(calls);
    expect((await stored(bystander)).grant).toMatchObject({ status: 'completed', retryAt: null, lastError: null });
  });

  test('a reader of a grant that was not refused is served, and that success ends the pause', async () => {
    const { one, bystander, connection } = await refused();
    expect(await one.read(bystander)).toMatchObject({ kind: 'fresh' });
    expect(await one.inBackground(await storeGrantOf(connection, 'fifth'))).toMatchObject({ kind: 'fresh' });
  });

  test('a refresh on demand ends the pause and is made', async () => {
    const { one, ids, bystander } = await refused();
    expect(await one.refreshOnDemand(ids[0] ?? '')).toMatchObject({ kind: 'fresh' });
    expect(await one.inBackground(bystander)).toMatchObject({ kind: 'fresh' });
  });

  test('the pause ends by itself: one call tests the client, the others wait for it', async () => {
    const { one, bystander, connection } = await refused();
    await client.query(
      "update client_refusals set paused_until = now() - interval '1 second' where connection_id = $1",
      [connection.id],
    );
    one.meet({ class: 'transient', sent: true });
    const calls = one.provider.spent.length;
    expect(await one.inBackground(bystander)).toMatchObject({ kind: 'unavailable' });
    one.pass(60 * minute);
    expect(await one.inBackground(bystander)).toMatchObject({ kind: 'unavailable' });
    expect(one.provider.spent).toHaveLength(calls + 1);
    await client.query(
      "update client_refusals set probe_until = now() - interval '1 second' where connection_id = $1",
      [connection.id],
    );
    one.meet(null);
    expect(await one.inBackground(bystander)).toMatchObject({ kind: 'fresh' });
    expect((await stored(bystander)).grant.status).toBe('completed');
  });

  test('a grant whose token lives stays completed and is tried again, and fails with the token', async () => {
    const id = await storeGrantOf(await globalConnection(), 'acme', minutesFromNow(3));
    const one = startProcess();
    one.meet(refusedClient);
    expect(await one.read(id)).toMatchObject({ kind: 'unavailable' });
    one.pass(minute);
    expect(await one.read(id)).toMatchObject({ kind: 'unavailable', grant: { status: 'completed' } });
    one.pass(3 * minute);
    expect(await one.read(id)).toMatchObject({ kind: 'failed', grant: { statusReason: 'client_rejected' } });
    expect(one.provider.spent).toHaveLength(3);
  });
});
