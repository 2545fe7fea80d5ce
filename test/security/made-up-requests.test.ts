import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthenticateCaller } from '../../src/broker/callers/authenticate-caller.ts';
import { createTokens } from '../../src/crypto/tokens.ts';
import { createHttpFixture } from '../support/http/server-fixture.ts';
import { noWorkloadTokens } from '../support/memory/no-workload-tokens.ts';
import { openScene, type Scene } from './scene.ts';

const random = () => randomBytes(32).toString('base64url');

describe('made-up keys', () => {
  test.each([1, 500])(
    '500 of them, %i at once, cost no more look-ups than the rate limit; a key in memory still works',
    async (atOnce) => {
      const looked: string[] = [];
      const tokens = createTokens();
      const known = {
        id: 'known',
        name: 'known',
        secretHash: tokens.sha256('k'.repeat(43)),
        permissions: ['connections:read' as const],
        organizations: '*' as const,
        global: true,
        connections: null,
        createdBy: 'bootstrap',
        createdAt: new Date(),
        expiresAt: null,
        rateLimitPerMinute: null,
        lastUsedAt: null,
        revokedAt: null,
      };
      const { app } = await createHttpFixture(
        {
          authenticateCaller: createAuthenticateCaller({
            findApiKey: async (id) => {
              looked.push(id);
              await setImmediate();
              return undefined;
            },
            recallApiKey: (id) => (id === 'known' ? known : undefined),
            noteUse: () => undefined,
            workloadTokens: noWorkloadTokens,
            tokens,
            bootstrapKey: null,
            clock: () => new Date(),
            sleep: async () => undefined,
          }),
        },
        { rateLimitMax: 50 },
      );
      const ask = (key: string) =>
        app.inject({ url: '/connections', headers: { authorization: `Bearer tb_${key}` } }).then((r) => r.statusCode);
      const statuses: number[] = [];
      for (let at = 0; at < 500; at += atOnce) {
        const keys = Array.from({ length: atOnce }, (_, index) => `made-up-${at + index}_${random()}`);
        statuses.push(...(await Promise.all(keys.map(ask))));
      }
      expect(statuses.filter((status) => status === 401)).toHaveLength(50);
      expect(statuses.filter((status) => status === 429)).toHaveLength(450);
      // The request that exceeds the limit was looked up before it was counted.
      expect(looked.length).toBeLessThanOrEqual(51);
      expect(await ask(`known_${'k'.repeat(43)}`)).toBe(200);
      await app.close();
    },
  );
});

describe('made-up states', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  test('1,000 callbacks and links with unknown states leave no row', async () => {
    const count = () =>
      scene.rows(
        'select (select count(*) from audit_events) as events, (select count(*) from authorizations) as states',
      );
    const before = await count();
    const paths = Array.from({ length: 500 }, () => [
      `/callback/crm?code=c&state=${random()}`,
      `/authorize/${random()}`,
    ]).flat();
    for (let at = 0; at < paths.length; at += 50) {
      const responses = await Promise.all(paths.slice(at, at + 50).map((path) => fetch(`${scene.url}${path}`)));
      for (const response of responses) expect(response.status).toBe(400);
    }
    expect(await count()).toEqual(before);
  });
});
