import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/domain/secret.ts';
import { factsOf } from '../../../src/domain/token-facts.ts';
import { mergeRefreshed, parseTokenSet, serializeTokenSet, type TokenSet } from '../../../src/domain/token-set.ts';

const requestedAt = new Date('2026-01-01T12:00:00Z');

function tokens(access: string, refresh: string | null, extra: Record<string, unknown> = {}): TokenSet {
  return {
    accessToken: new Secret(access),
    refreshToken: refresh === null ? null : new Secret(refresh),
    tokenType: 'Bearer',
    extra,
  };
}

test('a refresh that brings no refresh token keeps the old one, and the extras it does not repeat', () => {
  const kept = mergeRefreshed(tokens('a1', 'r1', { instance_url: 'https://eu' }), tokens('a2', null, { team: 't' }));
  expect(kept.accessToken.reveal()).toBe('a2');
  expect(kept.refreshToken?.reveal()).toBe('r1');
  expect(kept.extra).toEqual({ instance_url: 'https://eu', team: 't' });
});

test('a rotated refresh token replaces the old one', () => {
  expect(mergeRefreshed(tokens('a1', 'r1'), tokens('a2', 'r2')).refreshToken?.reveal()).toBe('r2');
});

test('a token set survives being stored', () => {
  const restored = parseTokenSet(serializeTokenSet(tokens('a', 'r', { n: 1 })));
  expect([restored.accessToken.reveal(), restored.refreshToken?.reveal(), restored.extra]).toEqual([
    'a',
    'r',
    { n: 1 },
  ]);
});

describe('the dates kept with a token set', () => {
  const held = {
    expiresAt: requestedAt,
    refreshExpiresAt: new Date('2026-03-01T00:00:00Z'),
    obtainedAt: requestedAt,
    lifetimeSeconds: 7200,
    refreshable: true,
    scopes: ['read'],
  };
  const answer = {
    tokens: tokens('a', null),
    lifetimeSeconds: null,
    refreshLifetimeSeconds: null,
    scopes: null,
    account: null,
  };
  const arrival = {
    answer,
    kept: tokens('a', 'r'),
    flow: 'authorization_code',
    exchangesAccessToken: false,
    refreshIdleDays: null,
    held,
    requestedScopes: [],
    requestedAt,
  } as const;

  test('the last lifetime seen stands where the provider stops telling', () => {
    expect(factsOf(arrival)).toMatchObject({
      lifetimeSeconds: 7200,
      expiresAt: new Date('2026-01-01T14:00:00Z'),
      scopes: ['read'],
    });
  });

  test('an old refresh token keeps its old death, a new one does not inherit it', () => {
    expect(factsOf(arrival).refreshExpiresAt).toEqual(held.refreshExpiresAt);
    const rotated = { ...answer, tokens: tokens('a', 'r2') };
    expect(factsOf({ ...arrival, answer: rotated, kept: rotated.tokens }).refreshExpiresAt).toBeNull();
  });

  test('without a refresh token only a client with credentials of its own can be refreshed', () => {
    expect(factsOf({ ...arrival, kept: tokens('a', null) }).refreshable).toBe(false);
    expect(factsOf({ ...arrival, kept: tokens('a', null), flow: 'client_credentials' }).refreshable).toBe(true);
  });

  test('a refresh token that dies of disuse is to be used again well before that, counted from each time it is used', () => {
    const due = new Date(requestedAt.getTime() + 80 * 86_400_000);
    expect(factsOf({ ...arrival, refreshIdleDays: 100 }).keepAliveAt).toEqual(due);
    expect(factsOf({ ...arrival, kept: tokens('a', null), refreshIdleDays: 100 })).not.toHaveProperty('keepAliveAt');
    expect(factsOf(arrival)).not.toHaveProperty('keepAliveAt');
  });
});
