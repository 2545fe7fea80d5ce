import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';

const server = {
  DATABASE_URL: 'postgres://user:hunter2@db:5432/broker',
  PUBLIC_URL: 'https://broker.example',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
};
const direct = 'postgres://u:hunter4@direct/x';

test.each([
  [{}, 'session'],
  [{ DATABASE_LISTEN_URL: server.DATABASE_URL }, 'session'],
  [{ DATABASE_LISTEN_URL: direct }, 'transaction'],
  [{ DATABASE_LISTEN_URL: direct, DATABASE_POOLER: 'session' }, 'session'],
  [{ REDIS_URL: 'redis://r', DATABASE_POOLER: 'transaction' }, 'transaction'],
] as const)('%o selects the mode %s', (values, mode) => {
  expect(loadConfig({ ...server, ...values }).databasePooler).toBe(mode);
});

test.each([
  ['DATABASE_POOLER without DATABASE_URL', { DATABASE_POOLER: 'transaction' }, 'DATABASE_POOLER: is given without'],
  [
    'a queue in the database behind a pooler without DATABASE_LISTEN_URL',
    { ...server, DATABASE_POOLER: 'transaction' },
    'DATABASE_LISTEN_URL: is required with DATABASE_POOLER=transaction without REDIS_URL',
  ],
  [
    'an unknown mode',
    { ...server, DATABASE_POOLER: 'statement' },
    'DATABASE_POOLER: must be one of session, transaction',
  ],
])('%s is a fault', (_, environment, message) => {
  expect(() => loadConfig(environment)).toThrow(message);
});
