import { expect, test } from 'vitest';
import { leastPoolMax } from '../../../src/app/storage.ts';
import { loadConfig } from '../../../src/config.ts';

const server = {
  DATABASE_URL: 'postgres://user@db:5432/broker',
  PUBLIC_URL: 'https://broker.example',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
};

test.each([
  ['worker', undefined, 10],
  ['all', undefined, 10],
  ['api', undefined, 6],
  ['all', 'redis://r', 4],
  ['api', 'redis://r', 4],
] as const)(
  'ROLE=%s with REDIS_URL=%s needs as many database connections as the process opens',
  (role, redis, least) => {
    const env = { ...server, ROLE: role, ...(redis && { REDIS_URL: redis }) };
    const config = loadConfig({ ...env, DATABASE_POOL_MAX: String(least) });
    expect(leastPoolMax(config)).toBe(least);
    expect(() => loadConfig({ ...env, DATABASE_POOL_MAX: String(least - 1) })).toThrow(/ DATABASE_POOL_MAX: must be /);
  },
);
