import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, loadConfig } from '../../../src/config.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const valid = {
  HOST: 'localhost',
  PUBLIC_URL: 'https://broker.example',
  BASE_PATH: '/oauth',
  DATABASE_URL: 'postgres://u:hunter2@db/x',
  DATABASE_LISTEN_URL: 'postgres://u:hunter2@db/x',
  DATABASE_MIGRATE_URL: 'postgres://u:hunter2@db/x',
  REDIS_URL: 'redis://r',
  DATA_DIR: '/data',
  ENCRYPTION_KEYS: `k1:${key}`,
  ADMIN_API_KEY: 'a'.repeat(32),
  REFRESH_MODE: 'off',
  REFRESH_INTERVAL_MINUTES: '30',
  ROLE: 'api',
  LOG_LEVEL: 'info',
  PROVIDER_PROXY_URL: 'http://proxy:3128',
  ALLOW_PRIVATE_NETWORK: 'true',
};

function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig({ ...valid, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.faults.map(({ variable, message }) => `${variable}: ${message}`);
  }
}

describe('values with something around them', () => {
  test('are refused with one message, whatever the variable', () => {
    const blank = fc.stringMatching(/^[ \t\r\n]{1,3}$/);
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(valid)),
        blank,
        fc.constantFrom('begins', 'ends'),
        (variable, space, place) => {
          const value = valid[variable as keyof typeof valid];
          const changed = place === 'begins' ? space + value : value + space;
          expect(faultsOf({ [variable]: changed })).toEqual([
            `${variable}: ${place} with a space or line end: remove it`,
          ]);
        },
      ),
    );
  });

  test.each(Object.keys(valid))('%s in quotation marks is refused with one message', (variable) => {
    for (const mark of ['"', "'"]) {
      const value = `${mark}${valid[variable as keyof typeof valid]}${mark}`;
      expect(faultsOf({ [variable]: value })).toEqual([expect.stringContaining(`${variable}: is in quotation marks`)]);
    }
  });

  test('lists and JSON may be indented', () => {
    expect(
      faultsOf({ ALLOWED_RETURN_URLS: ' https://a.example,\n https://b.example\n', TRUSTED_ISSUERS: '[]\n' }),
    ).toEqual([]);
  });
});

test.each([
  ['https://*.example.com', 'entry 1 has a wildcard'],
  ['https://a.example, https://b.example/*', 'entry 2 has a wildcard'],
  ['*', 'entry 1 has a wildcard'],
  ['https://a.example/#top', 'entry 1 has a fragment'],
  ['https://user:hunter2@a.example', 'entry 1 has a user'],
  ['app.example', 'entry 1 is not an http or https URL'],
  ['https://a.example/x y', 'entry 1 holds a space or a backslash'],
])('the return URL %s is refused with one message', (value, message) => {
  expect(faultsOf({ ALLOWED_RETURN_URLS: value })).toEqual([expect.stringContaining(message)]);
});

test.each(['\u00e9', ' ', '\u0007', '\u{1f511}'])('an admin key with %j inside is refused', (character) => {
  const adminKey = `${'a'.repeat(32)}${character}${'b'.repeat(8)}`;
  expect(faultsOf({ ADMIN_API_KEY: adminKey })).toEqual([expect.stringContaining('no Authorization header carries')]);
});

test('REFRESH_MODE is on or off', () => {
  expect(loadConfig({}).callsTokenEndpoints).toBe(true);
  expect(loadConfig({ REFRESH_MODE: 'off' }).callsTokenEndpoints).toBe(false);
  expect(faultsOf({ REFRESH_MODE: 'no' })).toEqual(['REFRESH_MODE: must be one of on, off']);
});
