import { beforeEach, describe, expect, test } from 'vitest';
import { createCheckHealth } from '../../../src/broker/check-health.ts';
import { sealTokens } from '../../../src/broker/sealing.ts';
import type { TokenFacts } from '../../../src/domain/grant.ts';
import type { ProbeResult } from '../../../src/domain/ports/oauth.ts';
import type { CheckableGrant, HealthRecord, HealthStore } from '../../../src/domain/ports/upkeep.ts';
import { createMemoryCipher } from '../../support/memory-cipher.ts';
import { aConnection } from '../../support/postgres-fixtures.ts';
import { answerOf, createScriptedGateway, failureOf, type ScriptedGateway } from '../../support/scripted-gateway.ts';

const now = new Date('2030-01-01T00:00:00Z');
const hour = 3_600_000;
const connection = { ...aConnection('acme', 'crm'), sealedClientSecrets: null };
const cipher = createMemoryCipher();
const never = new AbortController().signal;

function grant(id: string, over: Partial<CheckableGrant> = {}, facts: Partial<TokenFacts> = {}): CheckableGrant {
  return {
    id,
    organizationId: 'acme',
    status: 'completed',
    statusReason: null,
    sealedTokens: sealTokens(cipher, { id, organizationId: 'acme' }, answerOf(`token-of-${id}`, 'rt').tokens),
    facts: {
      expiresAt: new Date(now.getTime() + hour),
      refreshExpiresAt: null,
      obtainedAt: null,
      lifetimeSeconds: null,
      refreshable: true,
      scopes: [],
      ...facts,
    },
    version: 4,
    ...over,
  };
}

function probed(result: 'success' | 'failed', httpStatus: number | null): ProbeResult {
  return { result, message: 'As scripted.', responseTimeMs: 1, account: null, httpStatus };
}

describe('a health check', () => {
  let oauth: ScriptedGateway;
  let grants: CheckableGrant[];
  let records: HealthRecord[];
  let errors: unknown[];

  beforeEach(() => {
    oauth = createScriptedGateway();
    grants = [];
    records = [];
    errors = [];
  });

  function check(signal = never) {
    const health: HealthStore = {
      unchecked: async ({ after, limit }) =>
        grants
          .filter(({ id }) => after === null || id > after)
          .slice(0, limit)
          .map((one) => ({ grant: one, connection })),
      record: async (found) => void records.push(...found),
    };
    const deps = { health, oauth, cipher, catalogue: { list: () => [] }, clock: () => now, intervalMs: hour };
    return createCheckHealth({ ...deps, onError: (error) => errors.push(error) })(signal);
  }

  test.each([
    ['success', 200, 'healthy', null],
    ['failed', 401, 'unhealthy', 'rejected: As scripted.'],
    ['failed', 503, 'unhealthy', 'unavailable: As scripted.'],
    ['failed', 429, 'unhealthy', 'unavailable: As scripted.'],
    ['failed', null, 'unhealthy', 'unreachable: As scripted.'],
  ] as const)('records a probe that ends as %s with status %s as %s', async (result, status, health, error) => {
    grants = [grant('a')];
    oauth.script.probe = probed(result, status);
    await check();
    expect(records).toEqual([{ grantId: 'a', version: 4, health, error }]);
    expect(oauth.calls.map(({ tokens }) => tokens?.accessToken.reveal())).toEqual(['token-of-a']);
  });

  test('a call that our own rules or the network stop is told as unreachable', async () => {
    grants = [grant('a')];
    oauth.script.probe = failureOf({ class: 'refused', sent: false });
    await check();
    expect(records).toMatchObject([{ health: 'unhealthy', error: 'unreachable: The provider failed as scripted.' }]);
  });

  test('a failed grant is unhealthy without a call, an expired one is never refreshed for it', async () => {
    const expired = { expiresAt: new Date(now.getTime() - 1) };
    grants = [
      grant('failed', { status: 'failed', statusReason: 'reauthorization_required' }),
      grant('over', {}, { ...expired, refreshable: false }),
      grant('soon-refreshed', {}, expired),
    ];
    await check();
    expect(records.toSorted((one, other) => one.grantId.localeCompare(other.grantId))).toEqual([
      { grantId: 'failed', version: 4, health: 'unhealthy', error: 'failed: reauthorization_required' },
      { grantId: 'over', version: 4, health: 'unhealthy', error: expect.stringMatching(/^expired: /) },
    ]);
    expect(oauth.calls).toEqual([]);
  });

  test('what cannot be probed keeps what is on record, and one that cannot be opened stops no other', async () => {
    grants = [grant('a', { sealedTokens: new Uint8Array([9]) }), grant('b')];
    oauth.script.probe = probed('success', 200);
    expect(await check()).toEqual({ healthy: 1, unhealthy: 0 });
    expect(errors).toHaveLength(1);
    oauth.script.probe = { result: 'skipped', message: '', responseTimeMs: 0, account: null, httpStatus: null };
    records = [];
    await check();
    expect(records).toEqual([]);
  });

  test('goes through any number of grants, a few at a time, and stops when its process ends', async () => {
    grants = Array.from({ length: 450 }, (_, n) => grant(String(n).padStart(4, '0')));
    let running = 0;
    let most = 0;
    oauth.probe = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return probed('success', 200);
    };
    expect(await check()).toEqual({ healthy: 450, unhealthy: 0 });
    expect(new Set(records.map(({ grantId }) => grantId)).size).toBe(450);
    expect(most).toBeLessThanOrEqual(8);

    const ending = new AbortController();
    records = [];
    oauth.probe = async () => {
      ending.abort();
      return probed('success', 200);
    };
    await expect(check(ending.signal)).rejects.toThrow();
    expect(records.length).toBeGreaterThan(0);
    expect(records.length).toBeLessThanOrEqual(8);
  });
});
