import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { createServeCredential } from '../../../src/broker/serve-credential.ts';
import { createOpenServedTokens } from '../../../src/broker/served-tokens.ts';
import type { CredentialMatch, ServableGrant } from '../../../src/domain/credential.ts';
import type { Cipher } from '../../../src/domain/ports/cipher.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { readHeapSnapshot, textOf, unheardLetters } from '../../support/heap-snapshot.ts';
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

function aGrant(changes: Partial<ServableGrant> = {}, accessToken = 'at'): ServableGrant {
  const id = changes.id ?? 'g1';
  const tokens = {
    accessToken: new Secret(accessToken),
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

describe('inside the soft margin', () => {
  test('many readers are served at once, and one of them has it refreshed behind the answer', async () => {
    const running = new Set<string>();
    let started = 0;
    const serve = createServeCredential({
      refreshGrant: (id) => {
        started += 1;
        running.add(id);
        return new Promise(() => {});
      },
      isRefreshing: (id) => running.has(id),
      openServedTokens: createOpenServedTokens(inner),
      clock: () => new Date(),
      sleep: () => new Promise(() => {}),
      patienceMs: 1,
      onBackgroundError: () => {},
    });
    const answers = await Promise.all(Array.from({ length: 100 }, () => serve.serve(match, aGrant(), request)));
    expect(new Set(answers.map(({ accessToken }) => accessToken))).toEqual(new Set(['at']));
    expect(started).toBe(1);
  });
});

describe('a token that is served again and again', () => {
  test('is opened once for as long as its grant is kept, and each time where it is not', () => {
    const { cipher, opened } = createCountingCipher();
    const open = createOpenServedTokens(cipher);
    const served = { accessToken: 'at', tokenType: 'Bearer', extra: { instance_url: 'https://x.example' } };
    const twice = (grant: ServableGrant) => {
      if (grant.sealedTokens === null) throw new Error('nothing to open');
      expect(open(grant, grant.sealedTokens)).toEqual(served);
      expect(open(grant, grant.sealedTokens)).toEqual(served);
    };
    twice(aGrant({ room: {} }));
    expect(opened).toHaveLength(1);
    twice(aGrant());
    expect(opened).toHaveLength(3);
  });

  test('is not to be found in a snapshot of the heap', async () => {
    const open = createOpenServedTokens(inner);
    // Held as it is on purpose: a search that finds nothing would pass with any answer.
    const visible = randomBytes(24).toString('hex');
    const hidden = unheardLetters(48);
    const kept = keptGrant(open, hidden);
    const snapshot = await readHeapSnapshot();
    expect(snapshot).toContain(visible);
    expect(snapshot.includes(textOf(hidden))).toBe(false);
    expect(kept.room?.served?.byteLength).toBeGreaterThan(0);
  });
});

function keptGrant(open: ReturnType<typeof createOpenServedTokens>, token: Uint8Array): ServableGrant {
  const grant = aGrant({ room: {} }, textOf(token));
  if (grant.sealedTokens === null) throw new Error('nothing to open');
  open(grant, grant.sealedTokens);
  return grant;
}
