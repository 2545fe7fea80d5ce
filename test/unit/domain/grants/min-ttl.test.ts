import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import { longerLifetime, renewedGrant } from '../../../../src/domain/grants/grant.ts';
import { clockSkewMs } from '../../../../src/domain/grants/refresh-policy.ts';
import { decideServing, type Serving } from '../../../../src/domain/grants/serving.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2026-01-01T12:00:00Z');
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);

/** A grant whose refreshes gave tokens of these lifetimes, the last of which has `left` seconds. */
function grantAfter(lifetimes: readonly (number | null)[], left: number): Grant {
  const first = aGrant({ longestLifetimeSeconds: null, metadata: null, sealedTokens: null });
  const renewed = lifetimes.reduce<Grant>((grant, lifetimeSeconds) => {
    const metadata = someMetadata({ expiresAt: at(left), obtainedAt: now, lifetimeSeconds });
    return renewedGrant(grant, { sealed: new Uint8Array([1]), metadata }, now);
  }, first);
  const metadata = renewed.metadata ?? someMetadata({ expiresAt: at(left), obtainedAt: null, lifetimeSeconds: null });
  return { ...renewed, sealedTokens: new Uint8Array([1]), metadata };
}

function decide(
  lifetimes: readonly (number | null)[],
  left: number,
  minTtlSeconds: number,
  { template = null, mayCallProvider = true }: { template?: number | null; mayCallProvider?: boolean } = {},
): Serving {
  const demand = { minTtlSeconds, templateLifetimeSeconds: template, now, mayCallProvider };
  return decideServing(grantAfter(lifetimes, left), 'authorization_code', demand);
}

describe('min_ttl after a history of lifetimes', () => {
  test.each([
    { history: [3600, 8], left: 8, minTtl: 60, means: 'the provider returned the same token shortly before its end' },
    { history: [], left: 8, minTtl: 60, means: 'an import with little left' },
    { history: [], left: 1800, minTtl: 86_400, means: 'an import of unknown lifetime' },
    { history: [3600], left: -1, minTtl: 7200, means: 'an expired token' },
    { history: [60], left: 0, minTtl: 600, means: 'a token that expires now' },
    { history: [600], left: 30, minTtl: 1200, template: 7200, means: 'the template states a longer lifetime' },
  ])('is worth a provider call: $means', ({ history, left, minTtl, template }) => {
    expect(decide(history, left, minTtl, { template: template ?? null })).toEqual({ kind: 'refresh' });
  });

  test.each([
    { history: [3600], left: 1800, minTtl: 3601, lifetime: 3600 },
    { history: [3600, 60], left: 30, minTtl: 4000, lifetime: 3600 },
    { history: [3600, null], left: 30, minTtl: 4000, lifetime: 3600 },
    { history: [600], left: 30, minTtl: 8000, template: 7200, lifetime: 7200 },
    { history: [7200], left: 30, minTtl: 8000, template: 600, lifetime: 7200 },
  ])('$minTtl s is refused with the longest lifetime, $lifetime s', ({ history, left, minTtl, template, lifetime }) => {
    const expected = { kind: 'unsatisfiable', lifetimeSeconds: lifetime };
    expect(decide(history, left, minTtl, { template: template ?? null })).toEqual(expected);
  });

  test('a refresh that gave a shorter token than before leaves the caller to try again', () => {
    expect(decide([3600, 8], 8, 60, { mayCallProvider: false })).toEqual({ kind: 'refresh' });
    expect(decide([60, 8], 8, 600, { mayCallProvider: false })).toEqual({ kind: 'unsatisfiable', lifetimeSeconds: 60 });
  });
});

describe('min_ttl for any history, remaining life and demand', () => {
  const lifetime = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: null });
  const cases = fc.record({
    history: fc.array(lifetime, { maxLength: 6 }),
    left: fc.integer({ min: -1000, max: 100_000 }),
    minTtl: fc.integer({ min: 0, max: 200_000 }),
    template: lifetime,
  });

  test('is served from the stored token exactly if the token outlives it', () => {
    fc.assert(
      fc.property(cases, ({ history, left, minTtl, template }) => {
        const isServed = decide(history, left, minTtl, { template }).kind === 'serve';
        expect(isServed).toBe(left * 1000 >= minTtl * 1000 + clockSkewMs);
      }),
    );
  });

  test('is refused only above every lifetime that is known, and never for an expired token', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), ({ history, left, minTtl, template }, mayCallProvider) => {
        const serving = decide(history, left, minTtl, { template, mayCallProvider });
        if (serving.kind !== 'unsatisfiable') return;
        const longest = [...history, template].reduce(longerLifetime, null);
        expect(left).toBeGreaterThan(0);
        expect(serving.lifetimeSeconds).toBe(longest);
        expect(minTtl * 1000 + clockSkewMs).toBeGreaterThan((longest ?? Number.POSITIVE_INFINITY) * 1000);
      }),
    );
  });

  test('what is not served and not refused is worth a call', () => {
    fc.assert(
      fc.property(cases, ({ history, left, minTtl, template }) => {
        const longest = [...history, template].reduce(longerLifetime, null);
        const wantedMs = minTtl * 1000 + clockSkewMs;
        const isHopeless = left > 0 && minTtl > 0 && longest !== null && wantedMs > longest * 1000;
        if (left * 1000 >= wantedMs || isHopeless) return;
        expect(decide(history, left, minTtl, { template })).toEqual({ kind: 'refresh' });
      }),
    );
  });
});
