import { describe, expect, test } from 'vitest';
import type { ServableGrant } from '../../../../src/domain/grants/credential.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import { decideServing } from '../../../../src/domain/grants/serving.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2026-01-01T12:00:00Z');
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);

function grant(
  over: Partial<Grant> & { expiresIn?: number | null; lifetime?: number | null; refreshable?: boolean } = {},
): Grant {
  const { expiresIn = 3600, lifetime = 3600, refreshable = true, ...rest } = over;
  const expiresAt = expiresIn === null ? null : inSeconds(expiresIn);
  const metadata = someMetadata({ expiresAt, obtainedAt: now, lifetimeSeconds: lifetime, refreshable });
  return aGrant({ metadata, longestLifetimeSeconds: lifetime, ...rest });
}

function decide(served: ServableGrant, minTtlSeconds = 0, mayCallProvider = true) {
  const demand = { minTtlSeconds, templateLifetimeSeconds: null, now, mayCallProvider };
  return decideServing(served, 'authorization_code', demand);
}

describe('a fetch without min_ttl', () => {
  test('a token far from its expiry is served', () => {
    expect(decide(grant())).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('a token inside the soft margin is served and refreshed in the background', () => {
    expect(decide(grant({ expiresIn: 299 }))).toEqual({ kind: 'serve', refreshBehind: true });
    expect(decide(grant({ expiresIn: 301 }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('a short token has a fifth of its lifetime as margin, so that it is not refreshed on every read', () => {
    expect(decide(grant({ expiresIn: 121, lifetime: 600 }))).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ expiresIn: 119, lifetime: 600 }))).toEqual({ kind: 'serve', refreshBehind: true });
  });

  test('a token inside the soft margin is not refreshed before retry_at', () => {
    expect(decide(grant({ expiresIn: 60, retryAt: inSeconds(30) }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('a token within the clock skew of its expiry needs a provider call', () => {
    expect(decide(grant({ expiresIn: 4 }))).toEqual({ kind: 'refresh' });
    expect(decide(grant({ expiresIn: -1 }))).toEqual({ kind: 'refresh' });
  });

  test('the last seconds of a token are served while the provider may not be called', () => {
    expect(decide(grant({ expiresIn: 4, retryAt: inSeconds(30) }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('an expired token is never served before retry_at, which is reported', () => {
    expect(decide(grant({ expiresIn: -1, retryAt: inSeconds(30) }))).toEqual({
      kind: 'too_early',
      retryAt: inSeconds(30),
    });
  });

  test('an expired token that cannot be refreshed is reported as token_expired', () => {
    expect(decide(grant({ expiresIn: -1, refreshable: false }))).toMatchObject({
      kind: 'not_ready',
      status: 'failed',
      reason: 'token_expired',
    });
  });

  test('a failed grant is served while its token is live, then refused with its reason', () => {
    const failed = { status: 'failed', statusReason: 'reauthorization_required' } as const;
    expect(decide(grant({ ...failed, expiresIn: 60 }))).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ ...failed, expiresIn: -1 }))).toMatchObject({
      kind: 'not_ready',
      reason: 'reauthorization_required',
    });
  });

  test('a revoked grant is never served, because it has no tokens', () => {
    const revoked = grant({ status: 'failed', statusReason: 'revoked', sealedTokens: null, metadata: null });
    expect(decide(revoked)).toMatchObject({ kind: 'not_ready', reason: 'revoked' });
  });

  test('a token with an unknown expiry is served', () => {
    expect(decide(grant({ expiresIn: null, lifetime: null }))).toEqual({ kind: 'serve', refreshBehind: false });
  });

  test('a failed grant is refreshed again after its retry date', () => {
    const failed = { status: 'failed', statusReason: 'configuration_rejected', expiresIn: -1 } as const;
    expect(decide(grant({ ...failed, retryAt: inSeconds(-1) }))).toEqual({ kind: 'refresh' });
    expect(decide(grant({ ...failed, retryAt: inSeconds(60) }))).toMatchObject({ kind: 'not_ready' });
  });
});

describe('min_ttl', () => {
  test('min_ttl is met by a token that outlives it plus the clock skew', () => {
    expect(decide(grant({ expiresIn: 605 }), 600)).toEqual({ kind: 'serve', refreshBehind: false });
    expect(decide(grant({ expiresIn: 604 }), 600)).toEqual({ kind: 'refresh' });
  });

  test('min_ttl above the last known lifetime is refused without a provider call', () => {
    expect(decide(grant({ expiresIn: 1800 }), 3601)).toEqual({ kind: 'unsatisfiable', lifetimeSeconds: 3600 });
  });

  test('min_ttl is refused if the expiry is unknown or the token cannot be refreshed', () => {
    expect(decide(grant({ expiresIn: null, lifetime: null }), 60)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: null,
    });
    expect(decide(grant({ expiresIn: 30, refreshable: false }), 60)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: 3600,
    });
  });

  test('min_ttl above the remaining life has to wait while the provider may not be called', () => {
    expect(decide(grant({ expiresIn: 30, retryAt: inSeconds(20) }), 60)).toEqual({
      kind: 'too_early',
      retryAt: inSeconds(20),
    });
  });

  test('min_ttl is decided on the refreshed token after a refresh', () => {
    expect(decide(grant({ expiresIn: 30, lifetime: 30 }), 60, false)).toEqual({
      kind: 'unsatisfiable',
      lifetimeSeconds: 30,
    });
  });
});
