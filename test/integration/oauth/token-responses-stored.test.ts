import process from 'node:process';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTokens } from '../../../src/broker/sealing.ts';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import {
  cipher,
  createCountingProvider,
  createEngine,
  storeRefreshableGrant,
} from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';
import { codings, contentTypes, harmlessHeaders } from '../../support/provider/arbitrary-answers.ts';
import { type GatewayFixture, startGateway } from '../../support/provider/gateway-fixture.ts';
import { answerWith, jsonAnswer, type RawProvider, startRawProvider } from '../../support/provider/raw-provider.ts';

/** FC_SEED repeats a run. fast-check prints the seed and path of a failure. */
const seed = Number(process.env.FC_SEED ?? 11);

let stores: TestStores;
let provider: RawProvider;
let open: GatewayFixture;
beforeAll(async () => {
  stores = await openTestStores();
  provider = await startRawProvider();
});
beforeEach(async () => {
  await open?.close();
  open = await startGateway({ timing: { retries: 0 } });
});
afterAll(async () => {
  await open.close();
  await provider.close();
  await stores.end();
});

const isLive = (grant: Grant) => (grant.metadata?.expiresAt?.getTime() ?? 0) > Date.now();
let grants = 0;

/** Stores a grant that holds at-0 and rt-0, and an engine that refreshes it at the provider. */
async function storeGrant(options: Parameters<typeof storeRefreshableGrant>[2] & { clock?: () => Date } = {}) {
  const name = `grant-${grants++}`;
  const { id } = await storeRefreshableGrant(stores, name, options);
  const settings = { ...open.settings, tokenUrl: `${provider.origin}/${name}` };
  const { refreshGrant } = createEngine(
    stores,
    createCountingProvider(() => Promise.reject(new Error('unused'))),
    {
      refresh: (client, held, scopes) => open.gateway.refresh({ ...client, settings }, held, scopes),
      ...(options.clock && { clock: options.clock }),
    },
  );
  const refresh = (onDemand = true) => refreshGrant(id, { isSatisfiedBy: () => false, onDemand });
  return { id, refresh };
}

async function rowOf(id: string) {
  const grant = (await stores.refreshes.find(id))?.grant;
  if (grant === undefined || grant.sealedTokens === null) throw new Error('the grant holds no tokens');
  const { accessToken, refreshToken } = openTokens(cipher, grant, grant.sealedTokens);
  return { grant, access: accessToken.reveal(), refresh: refreshToken?.reveal() ?? null };
}

/** Anything at all in a member that is not the refresh token. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    '',
    'null',
    'a\r\nx-evil: 1',
    -1,
    1e308,
    '600 seconds',
    'bearer',
    'invalid_grant',
    'a.e30.',
    {},
  ),
);
const members = fc.record(
  {
    access_token: fc.oneof(anything, fc.constantFrom('new', ' new\n', 'tökén', 'x'.repeat(70_000))),
    token_type: anything,
    expires_in: anything,
    expires_at: anything,
    refresh_token_expires_in: anything,
    scope: anything,
    id_token: anything,
    error: anything,
    ok: anything,
    client_secret: anything,
    __proto__: anything,
  },
  { requiredKeys: [] },
);
const refreshToken = fc
  .stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,60}[\x21-\x7e])?$/)
  .filter((token) => !/^(null|undefined)$/i.test(token) && token !== 'rt-0');
const padding = fc.constantFrom('', ' ', '\n', '\r\n\t');
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** An id_token that names any algorithm, with claims that fit neither this client nor this provider. */
const idToken = fc
  .tuple(fc.constantFrom('none', 'HS256', 'RS256', 'PS512', 'ES256', 'EdDSA', 'dir', 'x', null), fc.integer())
  .map(([alg, exp]) => `${base64url({ alg })}.${base64url({ iss: 'https://x.test', aud: [], nonce: 1, exp })}.c2ln`);
/** Ways in which all bytes of a body arrive, however the transfer is encoded, divided and ended. */
const transfer = fc.record({
  status: fc.constantFrom(200, 200, 201, 202, 203, 206, 299),
  coding: fc.constantFrom(...codings),
  type: contentTypes,
  headers: harmlessHeaders,
  framing: fc.constantFrom('length' as const, 'chunked' as const, 'close' as const),
  chunkBytes: fc.integer({ min: 1, max: 5000 }),
  isIncomplete: fc.boolean(),
  // A reset may discard bytes that the client has not read yet.
  ending: fc.constant('close' as const),
});

function transferred(body: string, { coding: [name, encode], type, headers, isIncomplete, ...options }: Transfer) {
  const coding: [string, string][] = name === null ? [] : [['content-encoding', name]];
  return answerWith(encode(body), {
    ...options,
    headers: [...type, ...coding, ...headers],
    ...(isIncomplete && { announcedLength: 1_000_000, withoutLastChunk: true }),
  });
}
type Transfer = typeof transfer extends fc.Arbitrary<infer Value> ? Value : never;

test('a readable refresh token is in Postgres afterwards, whatever else is wrong with a 2xx answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      members,
      fc.option(idToken),
      refreshToken,
      padding,
      fc.nat(11),
      transfer,
      async (beside, id_token, token, space, at, way) => {
        const entries = Object.entries(id_token === null ? beside : { ...beside, id_token });
        entries.splice(Math.min(at, entries.length), 0, ['refresh_token', `${space}${token}${space}`]);
        const body = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`;
        provider.play(transferred(body, way));
        const { id, refresh } = await storeGrant();
        await refresh();
        expect((await rowOf(id)).refresh).toBe(token);
      },
    ),
    { numRuns: 100, seed },
  );
}, 120_000);

test('a response that breaks off at any byte stores the refresh token if its end has arrived', async () => {
  const body = '{"access_token":"new","refresh_token":"rotated","token_type":"Bearer","expires_in":3600}';
  const end = body.indexOf('"rotated"') + '"rotated"'.length;
  for (const cutAt of [0, 10, 22, end - 2, end - 1, end, end + 5, body.length - 1]) {
    const { id, refresh } = await storeGrant();
    provider.play(answerWith(body, { cutAt, ending: 'reset' }));
    await refresh();
    const stored = await rowOf(id);
    expect([cutAt, stored.refresh]).toEqual([cutAt, cutAt >= end ? 'rotated' : 'rt-0']);
    // The access token alone is not used: the missing part may have held the only copy of a rotated refresh token.
    expect(stored.access).toBe(cutAt >= end ? 'new' : 'at-0');
  }
});

test('a refresh token without an access token is stored, and the next try sends it', async () => {
  const { id, refresh } = await storeGrant();
  const before = await rowOf(id);
  provider.play(
    jsonAnswer({ refresh_token: 'rotated', refresh_token_expires_in: 86_400 }),
    jsonAnswer({ access_token: 'new', refresh_token: 'rotated-again', expires_in: 3600 }),
  );
  expect(await refresh()).toMatchObject({ kind: 'unavailable' });
  const between = await rowOf(id);
  expect(between).toMatchObject({ access: 'at-0', refresh: 'rotated' });
  expect(between.grant).toMatchObject({
    status: 'completed',
    version: before.grant.version + 1,
    consecutiveFailures: 1,
    leaseOwner: null,
    refreshStartedAt: null,
    metadata: { expiresAt: before.grant.metadata?.expiresAt, obtainedAt: before.grant.metadata?.obtainedAt },
  });
  expect(between.grant.metadata?.refreshExpiresAt).not.toBeNull();
  expect(between.grant.retryAt?.getTime()).toBeGreaterThan(Date.now());

  expect(await refresh(false)).toMatchObject({ kind: 'unavailable' });
  expect(await refresh()).toMatchObject({ kind: 'fresh' });
  expect(provider.received.slice(-2).map((form) => form.get('refresh_token'))).toEqual(['rt-0', 'rotated']);
  expect(await rowOf(id)).toMatchObject({ access: 'new', refresh: 'rotated-again' });
});

test('each refresh without an access token is counted, and the pauses grow', async () => {
  const { id, refresh } = await storeGrant();
  const pauses: number[] = [];
  for (const attempt of [1, 2, 3, 4]) {
    provider.play(jsonAnswer({ refresh_token: `rotated-${attempt}` }));
    await refresh();
    const { grant, refresh: stored } = await rowOf(id);
    expect(stored).toBe(`rotated-${attempt}`);
    expect(grant.lastError).toMatchObject({ class: 'transient', attempts: attempt });
    pauses.push((grant.retryAt?.getTime() ?? 0) - Date.now());
  }
  expect(pauses.toSorted((one, other) => one - other)).toEqual(pauses);
  expect(pauses[3]).toBeGreaterThan(100_000);
});

test('a grant that gets refresh tokens alone for 24 hours fails, stays failed, and recovers with an access token', async () => {
  const start = new Date();
  let now = start;
  const { id, refresh } = await storeGrant({ clock: () => now });
  const hoursToFailure = async () => {
    for (let call = 1; call <= 200; call++) {
      provider.play(jsonAnswer({ refresh_token: `rotated-${call}` }));
      await refresh(false);
      const { grant, refresh: stored } = await rowOf(id);
      expect([stored, grant.consecutiveFailures, grant.failingSince]).toEqual([`rotated-${call}`, call, start]);
      if (grant.status === 'failed') return (now.getTime() - start.getTime()) / 3_600_000;
      now = grant.retryAt ?? now;
    }
    return null;
  };
  expect(await hoursToFailure()).toBeCloseTo(24, 0);
  const failed = await rowOf(id);
  expect(failed.grant).toMatchObject({ statusReason: 'provider_rejected', lastError: { class: 'transient' } });
  expect(failed.grant.retryAt?.getTime()).toBe(now.getTime() + 86_400_000);

  now = failed.grant.retryAt ?? now;
  provider.play(jsonAnswer({ refresh_token: 'next-day' }));
  await refresh(false);
  const next = await rowOf(id);
  expect(next).toMatchObject({ refresh: 'next-day', grant: { status: 'failed', statusReason: 'provider_rejected' } });

  now = next.grant.retryAt ?? now;
  provider.play(jsonAnswer({ access_token: 'new', refresh_token: 'last', expires_in: 3600 }));
  expect(await refresh(false)).toMatchObject({ kind: 'fresh' });
  const recovered = await rowOf(id);
  expect(recovered.grant).toMatchObject({ status: 'completed', failingSince: null, lastError: null });
});

test('a live access token stays live when a refresh brings a refresh token alone', async () => {
  const expiresAt = new Date(Date.now() + 600_000);
  const { id, refresh } = await storeGrant({ expiresAt });
  provider.play(jsonAnswer({ refresh_token: 'rotated' }));
  expect(await refresh()).toMatchObject({ kind: 'unavailable' });
  const { grant, access } = await rowOf(id);
  expect(access).toBe('at-0');
  expect(grant.metadata?.expiresAt).toEqual(expiresAt);
  expect(isLive(grant)).toBe(true);
});

test('tokens of 64 KB are stored and read back', async () => {
  const { id, refresh } = await storeGrant();
  const [access, rotated] = ['a', 'r'].map((letter) => letter.repeat(64 * 1024));
  provider.play(jsonAnswer({ access_token: access, refresh_token: rotated, expires_in: 60 }));
  expect(await refresh()).toMatchObject({ kind: 'fresh' });
  const stored = await rowOf(id);
  expect(stored.access === access && stored.refresh === rotated).toBe(true);
});
