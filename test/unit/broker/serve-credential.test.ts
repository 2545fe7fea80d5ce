import { describe, expect, test } from 'vitest';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { createServeCredential } from '../../../src/broker/serve-credential.ts';
import { createCredentialOf } from '../../../src/broker/served-credential.ts';
import type { CredentialMatch, ServableGrant } from '../../../src/domain/credential.ts';
import type { Cipher } from '../../../src/domain/ports/cipher.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createMemoryCipher } from '../../support/memory-cipher.ts';

const inner = createMemoryCipher();

function createCountingCipher() {
  const opened: Uint8Array[] = [];
  const cipher: Cipher = {
    seal: inner.seal,
    open: (sealed, at) => {
      opened.push(sealed);
      return inner.open(sealed, at);
    },
  };
  return { cipher, opened };
}

function aGrant(changes: Partial<ServableGrant> = {}): ServableGrant {
  const id = changes.id ?? 'g1';
  const tokens = {
    accessToken: new Secret('at'),
    refreshToken: new Secret('rt'),
    tokenType: 'Bearer',
    extra: { instance_url: 'https://x.example' },
  };
  return {
    id,
    connectionId: 'c1',
    organizationId: 'acme',
    subject: null,
    accountId: null,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: sealTokens(inner, { id, organizationId: 'acme' }, tokens),
    facts: {
      // Inside the soft margin of an hour's token.
      expiresAt: new Date(Date.now() + 60_000),
      refreshExpiresAt: null,
      obtainedAt: null,
      lifetimeSeconds: 3600,
      refreshable: true,
      scopes: [],
    },
    version: 1,
    retryAt: null,
    refreshStartedAt: null,
    ...changes,
  };
}

const match: CredentialMatch = {
  connectionId: 'c1',
  connectionName: 'mail',
  organizationId: 'acme',
  flow: 'authorization_code',
  grants: [],
};
const request = { minTtlSeconds: 0, requiredScopes: [] };

/** A provider that never answers. */
function createWorld() {
  const running = new Set<string>();
  const { cipher, opened } = createCountingCipher();
  const world = { started: 0, opened, time: { now: new Date() } };
  const { serve } = createServeCredential({
    refreshGrant: (id) => {
      world.started += 1;
      running.add(id);
      return new Promise(() => {});
    },
    isRefreshing: (id) => running.has(id),
    credentialOf: createCredentialOf(cipher),
    clock: () => world.time.now,
    sleep: async () => undefined,
    patienceMs: 1,
    onBackgroundError: () => {},
  });
  return Object.assign(world, { serve });
}

describe('inside the soft margin', () => {
  test('many readers are served at once, and one of them has it refreshed behind the answer', async () => {
    const world = createWorld();
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.serve(match, aGrant(), request)));
    expect(new Set(answers.map((each) => each.openTokens().accessToken))).toEqual(new Set(['at']));
    expect(world.started).toBe(1);
  });
});

test('an expired token is not served, although its answer is still there', async () => {
  const world = createWorld();
  const grant = aGrant({ room: {} });
  const { room } = await world.serve(match, grant, request);
  if (room !== null) room.answer = new TextEncoder().encode('{}');
  world.time.now = new Date(Date.now() + 61_000);
  await expect(world.serve(match, grant, request)).rejects.toMatchObject({ code: 'provider_unavailable' });
  expect(world.started).toBe(2);
});

test('the tokens are opened only for whoever asks for them', async () => {
  const world = createWorld();
  const { openTokens } = await world.serve(match, aGrant(), request);
  expect(world.opened).toHaveLength(0);
  expect(openTokens()).toEqual({
    accessToken: 'at',
    tokenType: 'Bearer',
    extra: { instance_url: 'https://x.example' },
  });
  expect(world.opened).toHaveLength(1);
});
