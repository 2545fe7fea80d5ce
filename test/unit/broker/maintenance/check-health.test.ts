import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type CheckHealthDeps, createCheckHealth } from '../../../../src/broker/maintenance/check-health.ts';
import { createJudgeGrants } from '../../../../src/broker/maintenance/judge-grants.ts';
import { sealTokens } from '../../../../src/broker/sealing.ts';
import type { TokenMetadata } from '../../../../src/domain/grants/grant.ts';
import type {
  CheckableGrant,
  HealthChange,
  HealthRecord,
  ReplacedHealth,
} from '../../../../src/domain/ports/maintenance/health.ts';
import type { ProbeResult } from '../../../../src/domain/ports/oauth.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';
import { aProviderFailure, aTokenSet } from '../../../support/builders/provider.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';
import { createScriptedGateway, type ScriptedGateway } from '../../../support/provider/scripted-gateway.ts';

const now = new Date('2030-01-01T00:00:00Z');
const hour = 3_600_000;
const connection = { ...aConnection('acme', 'crm'), sealedClientSecrets: null };
const cipher = createMemoryCipher();
const never = new AbortController().signal;

function grant(id: string, over: Partial<CheckableGrant> = {}, metadata: Partial<TokenMetadata> = {}): CheckableGrant {
  return aGrant({
    id,
    sealedTokens: sealTokens(cipher, { id, organizationId: 'acme' }, aTokenSet(`token-of-${id}`, 'rt')),
    metadata: someMetadata({ expiresAt: new Date(now.getTime() + hour), ...metadata }),
    version: 4,
    ...over,
  });
}

function probed(result: 'success' | 'failed', httpStatus: number | null): ProbeResult {
  return { result, message: 'As scripted.', responseTimeMs: 1, account: null, httpStatus };
}

describe('a health check', () => {
  let oauth: ScriptedGateway;
  let grants: CheckableGrant[];
  let records: HealthRecord[];
  let errors: unknown[];
  let replaced: ReplacedHealth[];
  let changes: HealthChange[];

  beforeEach(() => {
    oauth = createScriptedGateway();
    grants = [];
    records = [];
    errors = [];
    replaced = [];
    changes = [];
  });

  function check(signal = never) {
    const organizations = new Set(grants.map(({ organizationId }) => organizationId));
    const lanes = [...organizations].map((organizationId) => ({ organizationId, connectionId: connection.id }));
    const health: CheckHealthDeps['health'] = {
      lanes: async () => lanes,
      unchecked: async (_query, { organizationId }, { after, limit }) => {
        const found = grants.filter((one) => one.organizationId === organizationId && (!after || one.id > after.id));
        const page = found.slice(0, limit);
        const last = page.at(-1);
        return { grants: page, connection, next: last && found.length > limit ? { at: now, id: last.id } : null };
      },
      record: async (found) => {
        records.push(...found);
        return replaced;
      },
    };
    const clock = () => now;
    return createCheckHealth({
      health,
      judgeGrants: createJudgeGrants({ oauth, cipher, clock, onError: (error) => errors.push(error) }),
      catalogue: { list: () => [] },
      clock,
      intervalMs: hour,
      onHealthChange: (one) => changes.push(one),
    })(signal);
  }

  test.each([
    ['success', 200, 'healthy', null],
    ['failed', 401, 'unhealthy', 'rejected: As scripted.'],
    ['failed', 503, 'unhealthy', 'unavailable: As scripted.'],
    ['failed', 429, 'unhealthy', 'unavailable: As scripted.'],
    ['failed', null, 'unhealthy', 'unreachable: As scripted.'],
  ] as const)('a probe that ends as %s with status %s is recorded as %s', async (result, status, health, error) => {
    grants = [grant('a')];
    oauth.script.probe = probed(result, status);
    await check();
    expect(records).toEqual([{ grantId: 'a', version: 4, health, error }]);
    expect(oauth.calls.map(({ tokens }) => tokens?.accessToken.reveal())).toEqual(['token-of-a']);
  });

  const healthy = { health: 'healthy', error: null } as const;
  const unknown = { health: null, error: null } as const;
  const away = { health: 'unhealthy', error: 'unavailable: As scripted.' } as const;
  const refused = { health: 'unhealthy', error: 'rejected: As scripted.' } as const;
  const ended = { health: 'unhealthy', error: 'failed: revoked' } as const;
  test.each([
    [unknown, refused, true],
    [healthy, refused, true],
    [ended, refused, true],
    [away, refused, false],
    [refused, healthy, true],
    [ended, healthy, true],
    [unknown, healthy, false],
    [healthy, ended, false],
    [refused, ended, false],
  ])('a verdict that turns from %j to %j is reported: %s', async (earlier, later, isReported) => {
    grants = [grant('a', later === ended ? { status: 'failed', statusReason: 'revoked' } : { subject: 'ann' })];
    oauth.script.probe = later === healthy ? probed('success', 200) : probed('failed', 401);
    replaced = [{ grantId: 'a', ...earlier }];
    await check();
    expect(records).toEqual([{ grantId: 'a', version: 4, ...later }]);
    const named = { id: 'a', organizationId: 'acme', subject: 'ann' };
    const report = { grant: expect.objectContaining(named), connectionName: 'crm', ...later };
    expect(changes).toEqual(isReported ? [report] : []);
  });

  test('a verdict that replaced no other is not reported', async () => {
    grants = [grant('a')];
    oauth.script.probe = probed('failed', 401);
    await check();
    expect(changes).toEqual([]);
  });

  test('a probe that is never sent is recorded as unreachable', async () => {
    grants = [grant('a')];
    oauth.script.probe = aProviderFailure({ class: 'refused', sent: false });
    await check();
    expect(records).toMatchObject([{ health: 'unhealthy', error: 'unreachable: The provider failed as scripted.' }]);
  });

  test('a failed grant is unhealthy without a call, and an expired one is not refreshed', async () => {
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

  test('a grant without a probe keeps its health, and one that cannot be opened stops no other', async () => {
    grants = [grant('a', { sealedTokens: new Uint8Array([9]) }), grant('b')];
    oauth.script.probe = probed('success', 200);
    expect(await check()).toEqual({ healthy: 1, unhealthy: 0 });
    expect(errors).toHaveLength(1);
    oauth.script.probe = { result: 'skipped', message: '', responseTimeMs: 0, account: null, httpStatus: null };
    records = [];
    await check();
    expect(records).toEqual([]);
  });

  test('a health check visits any number of grants, a few at a time, and stops on abort', async () => {
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
    expect(most).toBeLessThanOrEqual(4);

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

  test('probes of one organisation that hang hold a quarter of the places, and every other organisation is checked', async () => {
    const ofOrganization = (organizationId: string, count: number) =>
      Array.from({ length: count }, (_, n) => {
        const id = `${organizationId}-${String(n).padStart(4, '0')}`;
        const sealedTokens = sealTokens(cipher, { id, organizationId }, aTokenSet(`token-of-${id}`, 'rt'));
        return grant(id, { organizationId, sealedTokens });
      });
    grants = [...ofOrganization('a-slow', 400), ...ofOrganization('b-large', 300), ...ofOrganization('c', 20)];
    let hanging = 0;
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    oauth.probe = async (_client, tokens) => {
      if (tokens.accessToken.reveal().includes('a-slow')) {
        hanging += 1;
        await held;
      }
      return probed('success', 200);
    };
    const done = check();
    await vi.waitFor(() => expect(records).toHaveLength(320));
    expect(hanging).toBe(4);
    release();
    expect(await done).toEqual({ healthy: 720, unhealthy: 0 });
  });
});
