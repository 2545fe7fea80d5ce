import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTokens } from '../../../src/broker/sealing.ts';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import { aProviderFailure, aTokenResponse } from '../../support/builders/provider.ts';
import {
  cipher,
  createCountingProvider,
  createEngine,
  storeRefreshableGrant,
} from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.end());

const isLive = (grant: Grant) => (grant.metadata?.expiresAt?.getTime() ?? 0) > Date.now();
const wanted = { isSatisfiedBy: isLive, onDemand: false };

async function stored(id: string): Promise<Grant> {
  const found = await stores.refreshes.find(id);
  if (found === undefined) throw new Error('the grant is gone');
  return found.grant;
}

async function storedTokens(id: string) {
  const grant = await stored(id);
  if (grant.sealedTokens === null) return null;
  const { accessToken, refreshToken } = openTokens(cipher, grant, grant.sealedTokens);
  return [accessToken.reveal(), refreshToken?.reveal()];
}

describe('a refresh token is sent once', () => {
  test('concurrent readers in several processes send the refresh token once', async () => {
    const { id } = await storeRefreshableGrant(stores, 'once');
    const provider = createCountingProvider(async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return aTokenResponse('at-1', 'rt-1');
    });
    const engines = [1, 2, 3].map(() => createEngine(stores, provider));
    const results = await Promise.all(
      engines.flatMap(({ refreshGrant }) => Array.from({ length: 20 }, () => refreshGrant(id, wanted))),
    );
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['fresh']));
    expect(provider.spent).toEqual(['rt-0']);
    expect(await storedTokens(id)).toEqual(['at-1', 'rt-1']);
    expect(await stored(id)).toMatchObject({
      version: 2,
      leaseOwner: null,
      refreshStartedAt: null,
      consecutiveFailures: 0,
    });
  });

  test('a row that is fresh under the lease sends no refresh token', async () => {
    const { id } = await storeRefreshableGrant(stores, 'fresh', { expiresAt: new Date(Date.now() + 3_600_000) });
    const provider = createCountingProvider(async () => aTokenResponse('at-1', 'rt-1'));
    expect(await createEngine(stores, provider).refreshGrant(id, wanted)).toMatchObject({ kind: 'fresh' });
    expect(provider.spent).toEqual([]);
    expect(await stored(id)).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
  });
});

describe('a failure', () => {
  test('a failure of the provider leaves the grant completed and delays the next call', async () => {
    const { id } = await storeRefreshableGrant(stores, 'transient');
    const provider = createCountingProvider(async () => {
      throw aProviderFailure({ class: 'transient', httpStatus: 503 });
    });
    const { refreshGrant } = createEngine(stores, provider);
    expect(await refreshGrant(id, wanted)).toMatchObject({ kind: 'unavailable' });
    expect(await refreshGrant(id, wanted)).toMatchObject({ kind: 'unavailable' });
    expect(provider.spent).toHaveLength(1);
    expect(await stored(id)).toMatchObject({
      status: 'completed',
      consecutiveFailures: 1,
      refreshStartedAt: null,
      leaseOwner: null,
    });
  });

  test('invalid_grant ends the grant, and no further calls are made for it', async () => {
    const { id } = await storeRefreshableGrant(stores, 'dead');
    const provider = createCountingProvider(async () => {
      throw aProviderFailure({ class: 'reauthorization', oauthError: 'invalid_grant' });
    });
    const { refreshGrant } = createEngine(stores, provider);
    for (let i = 0; i < 5; i += 1)
      expect(await refreshGrant(id, { ...wanted, onDemand: i > 2 })).toMatchObject({ kind: 'failed' });
    expect(provider.spent).toHaveLength(1);
    expect(await stored(id)).toMatchObject({ status: 'failed', statusReason: 'reauthorization_required' });
  });

  test('invalid_grant for a replaced token is ignored, and the new token is used', async () => {
    const { id, connection } = await storeRefreshableGrant(stores, 'moved');
    const winner = createCountingProvider(async () => aTokenResponse('at-win', 'rt-win'));
    const provider = createCountingProvider(async () => {
      await stores.refreshes.voidLeases('');
      await createEngine(stores, winner).refreshGrant(id, wanted);
      throw aProviderFailure({ class: 'reauthorization', oauthError: 'invalid_grant' });
    });
    expect(await createEngine(stores, provider).refreshGrant(id, wanted)).toMatchObject({
      kind: 'fresh',
      grant: { version: 2 },
    });
    expect(await storedTokens(id)).toEqual(['at-win', 'rt-win']);
    expect(await stored(id)).toMatchObject({ status: 'completed', connectionId: connection.id, leaseOwner: null });
  });

  test('a refusal after a call that was cut off is rotation_interrupted', async () => {
    const { id } = await storeRefreshableGrant(stores, 'interrupted');
    const provider = createCountingProvider(async () => {
      throw provider.spent.length === 1
        ? aProviderFailure({ class: 'transient', sent: true, answered: false })
        : aProviderFailure({ class: 'reauthorization', oauthError: 'invalid_grant' });
    });
    const { refreshGrant } = createEngine(stores, provider);
    expect(await refreshGrant(id, wanted)).toMatchObject({ kind: 'unavailable' });
    expect((await stored(id)).refreshStartedAt).not.toBeNull();
    expect(await refreshGrant(id, { ...wanted, onDemand: true })).toMatchObject({ kind: 'failed' });
    expect(await stored(id)).toMatchObject({ status: 'failed', statusReason: 'rotation_interrupted' });
  });
});

describe('a change during the call wins over its result', () => {
  test('a grant revoked during the call does not come back', async () => {
    const { id } = await storeRefreshableGrant(stores, 'revoked');
    const provider = createCountingProvider(async () => {
      await stores.database.write('acme', ({ grants }) =>
        grants.revoke(id, { by: 'someone', reason: null, now: new Date() }),
      );
      return aTokenResponse('at-1', 'rt-1');
    });
    expect(await createEngine(stores, provider).refreshGrant(id, wanted)).toMatchObject({ kind: 'failed' });
    expect(await storedTokens(id)).toBeNull();
    expect(await stored(id)).toMatchObject({ status: 'failed', statusReason: 'revoked', leaseOwner: null });
  });

  test('a grant deleted during the call does not come back', async () => {
    const { id } = await storeRefreshableGrant(stores, 'deleted');
    const provider = createCountingProvider(async () => {
      await stores.database.write('acme', ({ grants }) => grants.delete(id));
      return aTokenResponse('at-1', 'rt-1');
    });
    expect(await createEngine(stores, provider).refreshGrant(id, wanted)).toEqual({ kind: 'gone' });
    expect(await stores.refreshes.find(id)).toBeUndefined();
  });

  test('an edit of the connection during the call is not undone', async () => {
    const { id, connection } = await storeRefreshableGrant(stores, 'edited');
    const provider = createCountingProvider(async () => {
      await stores.database.write('acme', ({ connections }) =>
        connections.update({ ...connection, settings: { ...connection.settings, description: 'edited' }, revision: 2 }),
      );
      return aTokenResponse('at-1', 'rt-1');
    });
    await createEngine(stores, provider).refreshGrant(id, wanted);
    const record = await stores.database.read('acme').connections.find('edited');
    expect(record?.connection).toMatchObject({ revision: 2, settings: { description: 'edited' } });
    expect(await storedTokens(id)).toEqual(['at-1', 'rt-1']);
  });

  test('a rotated token is saved by version although its lease lapsed mid-call', async () => {
    const { id } = await storeRefreshableGrant(stores, 'lapsed');
    const provider = createCountingProvider(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return aTokenResponse('at-1', 'rt-1');
    });
    expect(await createEngine(stores, provider, { leaseMs: 20 }).refreshGrant(id, wanted)).toMatchObject({
      kind: 'fresh',
    });
    expect(await storedTokens(id)).toEqual(['at-1', 'rt-1']);
  });
});

test('a response without a refresh token keeps the old one', async () => {
  const { id } = await storeRefreshableGrant(stores, 'kept');
  await createEngine(
    stores,
    createCountingProvider(async () => aTokenResponse('at-1', null)),
  ).refreshGrant(id, wanted);
  expect(await storedTokens(id)).toEqual(['at-1', 'rt-0']);
});

test('a client_credentials grant can be refreshed on demand in any status', async () => {
  const { id } = await storeRefreshableGrant(stores, 'own-credentials', { settings: { flow: 'client_credentials' } });
  await stores.database.write('acme', ({ grants }) =>
    grants.revoke(id, { by: 'someone', reason: null, now: new Date() }),
  );
  const { refreshGrant } = createEngine(
    stores,
    createCountingProvider(async () => aTokenResponse('at-1', null)),
  );
  expect(await refreshGrant(id, wanted)).toMatchObject({ kind: 'failed' });
  expect(await refreshGrant(id, { ...wanted, onDemand: true })).toMatchObject({
    kind: 'fresh',
    grant: { status: 'completed' },
  });
});
