import { describe, expect, test } from 'vitest';
import type { ServableGrant } from '../../../src/domain/credential.ts';
import { decideServing } from '../../../src/domain/serving.ts';

const now = new Date('2026-01-01T12:00:00Z');
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);

function grant(
  over: Partial<ServableGrant> & { expiresIn?: number | null; lifetime?: number | null; refreshable?: boolean } = {},
): ServableGrant {
  const { expiresIn = 3600, lifetime = 3600, refreshable = true, ...rest } = over;
  return {
    id: 'g',
    connectionId: 'c',
    organizationId: null,
    subject: null,
    accountId: null,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: new Uint8Array([1]),
    facts: {
      expiresAt: expiresIn === null ? null : inSeconds(expiresIn),
      refreshExpiresAt: null,
      obtainedAt: now,
      lifetimeSeconds: lifetime,
      refreshable,
      scopes: [],
    },
    version: 1,
    retryAt: null,
    refreshStartedAt: null,
    ...rest,
  };
}

function decide(served: ServableGrant, minTtlSeconds = 0, mayAsk = true) {
  return decideServing(served, 'authorization_code', { minTtlSeconds, now, mayAsk });
}

describe('a fetch without min_ttl', () => {
  test('serves a token with plenty of life', () => {
    expect(decide(grant())).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('serves inside the soft margin and refreshes behind the answer', () => {
    expect(decide(grant({ expiresIn: 299 }))).toEqual({ kind: 'serve', refreshBehind: true });
    expect(decide(grant({ expiresIn: 301 }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('takes a fifth of the lifetime as the margin of short tokens, so that they are not refreshed on every read', () => {
    expect(decide(grant({ expiresIn: 121, lifetime: 600 }))).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ expiresIn: 119, lifetime: 600 }))).toEqual({ kind: 'serve', refreshBehind: true });
  });

  test('does not refresh behind the answer before retry_at', () => {
    expect(decide(grant({ expiresIn: 60, retryAt: inSeconds(30) }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('asks the provider once the token is within the clock skew of its end', () => {
    expect(decide(grant({ expiresIn: 4 }))).toEqual({ kind: 'refresh' });
    expect(decide(grant({ expiresIn: -1 }))).toEqual({ kind: 'refresh' });
  });

  test('serves the last seconds of a token rather than nothing while the provider may not be asked', () => {
    expect(decide(grant({ expiresIn: 4, retryAt: inSeconds(30) }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('never hands out an expired token, and says when to come back', () => {
    expect(decide(grant({ expiresIn: -1, retryAt: inSeconds(30) }))).toEqual({
      kind: 'too_early',
      retryAt: inSeconds(30),
    });
  });

  test('reports an expired token with nothing to refresh it as token_expired', () => {
    expect(decide(grant({ expiresIn: -1, refreshable: false }))).toMatchObject({
      kind: 'not_ready',
      status: 'failed',
      reason: 'token_expired',
    });
  });

  test('serves a failed grant while its token lives, and its reason once it does not', () => {
    const failed = { status: 'failed', statusReason: 'reauthorization_required' } as const;
    expect(decide(grant({ ...failed, expiresIn: 60 }))).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ ...failed, expiresIn: -1 }))).toMatchObject({
      kind: 'not_ready',
      reason: 'reauthorization_required',
    });
  });

  test('never serves a revoked grant, whose tokens are gone', () => {
    const revoked = grant({ status: 'failed', statusReason: 'revoked', sealedTokens: null, facts: null });
    expect(decide(revoked)).toMatchObject({ kind: 'not_ready', reason: 'revoked' });
  });

  test('serves a token whose expiry nobody knows', () => {
    expect(decide(grant({ expiresIn: null, lifetime: null }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('tries a failed grant again after the date that was set for it', () => {
    const failed = { status: 'failed', statusReason: 'configuration_rejected', expiresIn: -1 } as const;
    expect(decide(grant({ ...failed, retryAt: inSeconds(-1) }))).toEqual({ kind: 'refresh' });
    expect(decide(grant({ ...failed, retryAt: inSeconds(60) }))).toMatchObject({ kind: 'not_ready' });
  });
});

describe('min_ttl', () => {
  test('is met by a token that outlives it and the clock skew', () => {
    expect(decide(grant({ expiresIn: 605 }), 600)).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ expiresIn: 604 }), 600)).toEqual({ kind: 'refresh' });
  });

  test('beyond the last lifetime seen is refused without a call to the provider', () => {
    expect(decide(grant({ expiresIn: 1800 }), 3601)).toEqual({ kind: 'unsatisfiable', lifetimeSeconds: 3600 });
  });

  test('is refused where the expiry is unknown or nothing can refresh the token', () => {
    expect(decide(grant({ expiresIn: null, lifetime: null }), 60)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: null,
    });
    expect(decide(grant({ expiresIn: 30, refreshable: false }), 60)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: 3600,
    });
  });

  test('is not promised from the remains of a token while the provider may not be asked', () => {
    expect(decide(grant({ expiresIn: 30, retryAt: inSeconds(20) }), 60)).toEqual({
      kind: 'too_early',
      retryAt: inSeconds(20),
    });
  });

  test('is judged on what a refresh brought, once there was one', () => {
    expect(decide(grant({ expiresIn: 30, lifetime: 30 }), 60, false)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: 30,
    });
  });
});
