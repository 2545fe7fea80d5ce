import { describe, expect, test } from 'vitest';
import type { Persisted } from '../../../../src/broker/refresh/persist-refreshed.ts';
import { createCallProvider } from '../../../../src/broker/refresh/refresh-call.ts';
import { createMainPart } from '../../../../src/broker/refresh/token-part.ts';
import { openTokens, sealTokens } from '../../../../src/broker/sealing.ts';
import type { RefreshResponse } from '../../../../src/domain/grants/token-set.ts';
import type { LeasedGrant } from '../../../../src/domain/ports/engine.ts';
import type { SpooledTokens } from '../../../../src/domain/ports/spool.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aGrant, minutesFromNow, someMetadata } from '../../../support/builders/grant.ts';
import { aTokenResponse, aTokenSet } from '../../../support/builders/provider.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const cipher = createMemoryCipher();

/** A response that rotated the refresh token and brought no access token. */
function refreshTokenAlone(): RefreshResponse {
  const response = aTokenResponse('none', 'rt-1');
  return { ...response, tokens: { ...response.tokens, accessToken: null }, lifetimeSeconds: null };
}

function leasedGrant(): LeasedGrant {
  const connection = { ...aConnection('acme', 'crm'), sealedClientSecrets: null };
  const grant = aGrant({ connectionId: connection.id, metadata: someMetadata({ expiresAt: minutesFromNow(-1) }) });
  const sealedTokens = sealTokens(cipher, grant, aTokenSet('at-0', 'rt-0'));
  return { grant: { ...grant, sealedTokens }, connection, interrupted: true, lapsed: false, clientPaused: false };
}

/** Calls a provider that sends `response`. `persisted` is the result of every save. */
function createScene(response: RefreshResponse, persisted: Persisted) {
  const happened: string[] = [];
  const saved: SpooledTokens[] = [];
  const leased = leasedGrant();
  const call = createCallProvider({
    store: {
      find: async () => {
        const { grant, connection } = leased;
        return { grant: { ...grant, version: grant.version + saved.length }, connection };
      },
      fail: async (_leased, _owner, failure, { outcome }) => {
        happened.push(`fail ${outcome} keepIntent=${failure.keepIntent} ${failure.error?.errorDescription}`);
        return true;
      },
      countClientRefusal: async () => undefined,
      release: async () => undefined,
    },
    persist: async (entry) => {
      happened.push(`persist ${entry.event.outcome} ${JSON.stringify(entry.event.details)}`);
      saved.push(entry);
      return persisted;
    },
    oauth: { refresh: async () => response, requestClientCredentials: () => Promise.reject(new Error('unused')) },
    catalogue: { find: () => undefined },
    cipher,
    part: createMainPart(cipher),
    fingerprint: () => 'fingerprint',
    observeClient: (_connection, client) => ({ client, record: async () => undefined }),
    onRefreshFailure: () => {},
    clock: () => new Date(),
  });
  return { leased, happened, saved, run: () => call(leased, 'owner', { inBackground: false }) };
}

describe('a refresh that brings a refresh token alone', () => {
  test('the token is durable before the failure is recorded, and the intent is cleared', async () => {
    const scene = createScene(refreshTokenAlone(), 'stored');
    expect(await scene.run()).toMatchObject({ kind: 'unavailable' });
    expect(scene.happened).toEqual([
      'persist success {"stored":"refresh_token"}',
      'fail failure keepIntent=false The provider sent a new refresh token without an access token.',
    ]);
    const [entry] = scene.saved;
    const tokens = entry && openTokens(cipher, scene.leased.grant, entry.tokens.sealed);
    expect([tokens?.accessToken.reveal(), tokens?.refreshToken?.reveal()]).toEqual(['at-0', 'rt-1']);
    expect(entry?.tokens.metadata).toMatchObject({
      expiresAt: scene.leased.grant.metadata?.expiresAt,
      obtainedAt: scene.leased.grant.metadata?.obtainedAt,
      lifetimeSeconds: 3600,
    });
  });

  test('while the database is away it is spooled, and the reader is told to wait', async () => {
    const scene = createScene(refreshTokenAlone(), 'spooled');
    expect(await scene.run()).toMatchObject({ kind: 'unavailable' });
    expect(scene.happened).toEqual(['persist success {"stored":"refresh_token"}']);
  });

  test('a row that moved meanwhile decides the result', async () => {
    const scene = createScene(refreshTokenAlone(), 'moved');
    expect(await scene.run()).toMatchObject({ kind: 'fresh', grant: { version: scene.leased.grant.version + 1 } });
    expect(scene.happened).toHaveLength(1);
  });
});

test('a refresh that brings an access token is fresh, and records no failure', async () => {
  const scene = createScene(aTokenResponse('at-1', 'rt-1'), 'stored');
  expect(await scene.run()).toMatchObject({ kind: 'fresh' });
  expect(scene.happened).toEqual(['persist success {}']);
});
