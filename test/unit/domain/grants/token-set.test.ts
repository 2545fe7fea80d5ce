import { describe, expect, test } from 'vitest';
import { tokenMetadata } from '../../../../src/domain/grants/token-metadata.ts';
import {
  mergeRefreshed,
  parseTokenSet,
  serializeTokenSet,
  type TokenSet,
} from '../../../../src/domain/grants/token-set.ts';
import { Secret } from '../../../../src/domain/secret.ts';

const requestedAt = new Date('2026-01-01T12:00:00Z');

function tokens(access: string, refresh: string | null, extra: Record<string, unknown> = {}): TokenSet {
  return {
    accessToken: new Secret(access),
    refreshToken: refresh === null ? null : new Secret(refresh),
    tokenType: 'Bearer',
    extra,
  };
}

test('a refresh without a refresh token keeps the old one, and the extras it omits', () => {
  const kept = mergeRefreshed(tokens('a1', 'r1', { instance_url: 'https://eu' }), tokens('a2', null, { team: 't' }));
  expect(kept.accessToken.reveal()).toBe('a2');
  expect(kept.refreshToken?.reveal()).toBe('r1');
  expect(kept.extra).toEqual({ instance_url: 'https://eu', team: 't' });
});

test('a rotated refresh token replaces the old one', () => {
  expect(mergeRefreshed(tokens('a1', 'r1'), tokens('a2', 'r2')).refreshToken?.reveal()).toBe('r2');
});

test('a token set is unchanged after serializing and parsing', () => {
  const restored = parseTokenSet(serializeTokenSet(tokens('a', 'r', { n: 1 })));
  expect([restored.accessToken.reveal(), restored.refreshToken?.reveal(), restored.extra]).toEqual([
    'a',
    'r',
    { n: 1 },
  ]);
});

describe('token metadata', () => {
  const held = {
    expiresAt: requestedAt,
    refreshExpiresAt: new Date('2026-03-01T00:00:00Z'),
    obtainedAt: requestedAt,
    lifetimeSeconds: 7200,
    refreshable: true,
    scopes: ['read'],
  };
  const response = {
    tokens: tokens('a', null),
    lifetimeSeconds: null,
    refreshLifetimeSeconds: null,
    scopes: null,
    account: null,
  };
  const arrival = {
    response,
    kept: tokens('a', 'r'),
    flow: 'authorization_code',
    exchangesAccessToken: false,
    refreshIdleDays: null,
    held,
    requestedScopes: [],
    requestedAt,
  } as const;

  test('the last known lifetime is kept if the provider stops stating one', () => {
    expect(tokenMetadata(arrival)).toMatchObject({
      lifetimeSeconds: 7200,
      expiresAt: new Date('2026-01-01T14:00:00Z'),
      scopes: ['read'],
    });
  });

  test('a kept refresh token keeps its expiry, a new one does not inherit it', () => {
    expect(tokenMetadata(arrival).refreshExpiresAt).toEqual(held.refreshExpiresAt);
    const rotated = { ...response, tokens: tokens('a', 'r2') };
    expect(tokenMetadata({ ...arrival, response: rotated, kept: rotated.tokens }).refreshExpiresAt).toBeNull();
  });

  test('a lifetime that counts from the consent is never extended by a refresh, only shortened', () => {
    const rotated = { ...response, tokens: tokens('a', 'r2') };
    const consent = { ...arrival, response: rotated, kept: rotated.tokens, countsFromConsent: true };
    const days = (count: number) => ({ ...consent, response: { ...rotated, refreshLifetimeSeconds: count * 86_400 } });
    expect(tokenMetadata(consent).refreshExpiresAt).toEqual(held.refreshExpiresAt);
    expect(tokenMetadata(days(365)).refreshExpiresAt).toEqual(held.refreshExpiresAt);
    expect(tokenMetadata(days(1)).refreshExpiresAt).toEqual(new Date('2026-01-02T12:00:00Z'));
    expect(tokenMetadata({ ...days(1), held: null }).refreshExpiresAt).toEqual(new Date('2026-01-02T12:00:00Z'));
  });

  test('a token set without a refresh token is refreshable only under client_credentials', () => {
    expect(tokenMetadata({ ...arrival, kept: tokens('a', null) }).refreshable).toBe(false);
    expect(tokenMetadata({ ...arrival, kept: tokens('a', null), flow: 'client_credentials' }).refreshable).toBe(true);
  });

  test('a refresh token with an idle limit gets a keep-alive date, counted from each use', () => {
    const due = new Date(requestedAt.getTime() + 80 * 86_400_000);
    expect(tokenMetadata({ ...arrival, refreshIdleDays: 100 }).keepAliveAt).toEqual(due);
    expect(tokenMetadata({ ...arrival, kept: tokens('a', null), refreshIdleDays: 100 })).not.toHaveProperty(
      'keepAliveAt',
    );
    expect(tokenMetadata(arrival)).not.toHaveProperty('keepAliveAt');
  });
});
