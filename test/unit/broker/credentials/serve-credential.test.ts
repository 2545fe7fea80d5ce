import { expect, test } from 'vitest';
import { createCredentialOfGrant } from '../../../../src/broker/credentials/credential-of-grant.ts';
import { createServeCredential } from '../../../../src/broker/credentials/serve-credential.ts';
import { sealTokens } from '../../../../src/broker/sealing.ts';
import type { CredentialMatch } from '../../../../src/domain/grants/credential.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import { aGrant, minutesFromNow, someMetadata } from '../../../support/builders/grant.ts';
import { aTokenSet } from '../../../support/builders/provider.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const cipher = createMemoryCipher();

function aSealedGrant(): Grant {
  const tokens = { ...aTokenSet('at', 'rt'), extra: { instance_url: 'https://x.example' } };
  const grant = aGrant();
  return {
    ...grant,
    sealedTokens: sealTokens(cipher, grant, tokens),
    // Inside the soft margin of an hour's token.
    metadata: someMetadata({ expiresAt: minutesFromNow(1) }),
  };
}

const match: CredentialMatch = {
  connectionId: 'c1',
  connectionName: 'mail',
  organizationId: 'acme',
  flow: 'authorization_code',
  provider: 'generic',
  grants: [],
};
const request = { minTtlSeconds: 0, requiredScopes: [] };

/** Builds the use case on a provider that never responds. */
function createWorld() {
  const running = new Set<string>();
  const world = { started: 0, scheduled: [] as string[], time: { now: new Date() } };
  const { serve } = createServeCredential({
    callsTokenEndpoints: true,
    refreshGrant: (id) => {
      world.started += 1;
      running.add(id);
      return new Promise(() => {});
    },
    isRefreshing: (id) => running.has(id),
    credentialOfGrant: createCredentialOfGrant(cipher, () => world.time.now),
    catalogue: { find: () => undefined },
    scheduleRefreshAhead: ({ id }) => void world.scheduled.push(id),
    refreshSiblingsBehind: () => {},
    clock: () => world.time.now,
    sleep: async () => undefined,
    patienceMs: 1,
    onBackgroundError: () => {},
  });
  return Object.assign(world, { serve });
}

test('readers inside the soft margin are served at once, and one of them starts a refresh in the background', async () => {
  const world = createWorld();
  const served = await Promise.all(Array.from({ length: 100 }, () => world.serve(match, aSealedGrant(), request)));
  expect(new Set(served.map((each) => each.openTokens().accessToken.reveal()))).toEqual(new Set(['at']));
  expect(world.started).toBe(1);
  expect(world.scheduled).toHaveLength(100);
});

test('a token that was served a moment ago is not served after it expires', async () => {
  const world = createWorld();
  const grant = aSealedGrant();
  await world.serve(match, grant, request);
  world.time.now = new Date(Date.now() + 61_000);
  await expect(world.serve(match, grant, request)).rejects.toMatchObject({ code: 'provider_unavailable' });
  expect(world.started).toBe(2);
});

test('a credential opens the token type and the captured values beside the access token', async () => {
  const served = await createWorld().serve(match, aSealedGrant(), request);
  expect(served.openTokens()).toMatchObject({ tokenType: 'Bearer', extra: { instance_url: 'https://x.example' } });
});

test('the same grant object is served as the same credential, and any other one as another', async () => {
  const { serve } = createWorld();
  const grant = aSealedGrant();
  const first = await serve(match, grant, request);
  expect(await serve(match, grant, request)).toBe(first);
  expect(await serve(match, { ...grant, version: 2 }, request)).not.toBe(first);
});
