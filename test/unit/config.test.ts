import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { toKeyServices } from '../../src/config/key-service-variables.ts';
import { ConfigurationError, loadConfig } from '../../src/config.ts';
import { isHeld } from '../../src/domain/encryption-keys.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const adminKey = 'a'.repeat(32);
const server = {
  DATABASE_URL: 'postgres://user:hunter2@db:5432/broker',
  PUBLIC_URL: 'https://broker.example',
  ENCRYPTION_KEYS: `k1:${key}`,
};
const folder = mkdtempSync(join(tmpdir(), 'token-broker-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError)
      return error.faults.map(({ variable, message }) => `${variable}: ${message}`);
    throw error;
  }
  return [];
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('with an empty environment every setting has its documented default', () => {
  expect(loadConfig({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    publicUrl: 'http://localhost:8080',
    basePath: '',
    role: 'all',
    databaseUrl: null,
    databasePoolMax: 20,
    databasePooler: 'session',
    databaseListenUrl: null,
    databaseMigrateUrl: null,
    redisUrl: null,
    dataDir: resolve('data'),
    encryptionKeys: null,
    keyServices: toKeyServices({}),
    adminApiKey: null,
    refresh: { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 },
    callsTokenEndpoints: true,
    healthCheckIntervalMs: 60 * 60_000,
    expiryWarningMs: 7 * 86_400_000,
    auditRetentionMs: 90 * 86_400_000,
    authorizationTtlMs: 15 * 60_000,
    confirmPage: 'subject',
    provider: { timeoutMs: 10_000, callCapMs: 30_000, retries: 3 },
    providerProxy: { url: null, noProxy: '', unusedVariable: null },
    refreshLeaseMs: 45_000,
    allowedReturnUrls: [],
    allowPrivateNetwork: false,
    connectionsFile: null,
    templatesDir: null,
    trustedIssuers: [],
    consoleSignIn: null,
    rateLimitMax: 300,
    credentialCacheMax: 20_000,
    logLevel: 'info',
    trustProxy: false,
  });
});

test('the configuration is frozen', () => {
  const config = loadConfig({ ALLOWED_RETURN_URLS: 'https://a.example' });
  expect(Object.isFrozen(config) && Object.isFrozen(config.provider) && Object.isFrozen(config.allowedReturnUrls)).toBe(
    true,
  );
});

test('empty and unknown variables are ignored', () => {
  expect(loadConfig({ DATABASE_URL: '', REDIS_URL: '', PORT: '', SOMETHING_ELSE: 'x' })).toEqual(loadConfig({}));
});

test('printing the configuration shows no secret', () => {
  const config = loadConfig({
    ...server,
    ADMIN_API_KEY: adminKey,
    REDIS_URL: 'redis://:hunter3@r',
    DATABASE_LISTEN_URL: 'postgres://u:hunter4@db/x',
    DATABASE_MIGRATE_URL: 'postgres://u:hunter7@db/x',
  });
  const printed = inspect(config, { depth: 9 }) + JSON.stringify(config);
  for (const secret of ['hunter2', 'hunter3', 'hunter4', 'hunter7', adminKey, key])
    expect(printed).not.toContain(secret);
  expect(config.databaseUrl?.reveal()).toBe(server.DATABASE_URL);
  expect(config.adminApiKey?.reveal()).toBe(adminKey);
  expect(config.encryptionKeys?.filter(isHeld)[0]?.key.reveal()).toBe(key);
});

test('one message lists all faults of the configuration without quoting values', () => {
  const wrong = {
    PORT: 'hunter5',
    ROLE: 'boss',
    DATABASE_URL: 'mysql://user:hunter2@db/x',
    REDIS_URL: 'hunter3',
    ADMIN_API_KEY: 'hunter4',
    ENCRYPTION_KEYS: `k1:hunter6,k1`,
    TRUST_PROXY: 'everyone',
    TRUSTED_ISSUERS: '[',
    PROVIDER_TIMEOUT_MS: '40000',
  };
  const variables = faultsOf(wrong).map((fault) => fault.split(':')[0]);
  expect(new Set(variables)).toEqual(
    new Set([
      ...Object.keys(wrong).filter((name) => name !== 'PROVIDER_TIMEOUT_MS'),
      'PUBLIC_URL',
      'PROVIDER_CALL_CAP_MS',
    ]),
  );
  expect(() => loadConfig(wrong)).toThrow(/^The configuration has 11 faults:\n/);
  expect(() => loadConfig(wrong)).not.toThrow(/hunter/);
});

test.each([
  ['PORT', ['-1', '65536', '8080.5', '1e3', ' 80', 'http']],
  ['HOST', ['a b', 'http://x', '-x', '::g']],
  [
    'PUBLIC_URL',
    [
      'broker.example',
      'ftp://x',
      'https://x/path?query',
      'https://x/a%20b',
      'https://x?q',
      'https://x/#',
      'https://u:p@x',
      'https://',
    ],
  ],
  ['BASE_PATH', ['/a?b', '/a b', '/../x', '/%2e', '/a#b']],
  ['ROLE', ['ALL', 'api,worker']],
  ['DATABASE_POOL_MAX', ['0', '3', 'many']],
  ['REDIS_URL', ['localhost:6379', 'http://x', 'rediss:x']],
  [
    'ENCRYPTION_KEYS',
    ['x', 'k1:', 'k1:abc', `k1:${key}=`, `:${key}`, `a b:${key}`, `k1:${key},k1:${key}`, `k1:${key},`, `k1:${key}:x`],
  ],
  ['ADMIN_API_KEY', ['a'.repeat(31)]],
  ['REFRESH_INTERVAL_MINUTES', ['0', '0.5', '20161', '9999999999999999']],
  ['REFRESH_WINDOW_MINUTES', ['0', '-5']],
  ['HEALTH_CHECK_INTERVAL_MINUTES', ['0']],
  ['EXPIRY_WARNING_DAYS', ['x']],
  ['AUDIT_RETENTION_DAYS', ['0']],
  ['AUTHORIZATION_TTL_MINUTES', ['0', '1441']],
  ['PROVIDER_TIMEOUT_MS', ['0', '99', '1.5']],
  ['PROVIDER_CALL_CAP_MS', ['9999']],
  ['PROVIDER_RETRIES', ['-1', '11']],
  [
    'ALLOWED_RETURN_URLS',
    [
      'app.example',
      'https://a.example, javascript:alert(1)',
      '//evil',
      'https:evil',
      'https://u@x',
      'https://a\\b',
      'https://a/#f',
    ],
  ],
  ['ALLOW_PRIVATE_NETWORK', ['yes', '2']],
  ['RATE_LIMIT_MAX', ['0', 'none']],
  ['CREDENTIAL_CACHE_MAX', ['-1', 'all']],
  ['LOG_LEVEL', ['verbose']],
  ['TRUST_PROXY', ['true', '10.0.0.0/33', '10.0.0', 'x/8', '10.0.0.1,', '::1/129']],
  [
    'TRUSTED_ISSUERS',
    ['{}', 'x', '[{"issuer":"http://a"}]', '[{"issuer":"https://a","audiences":["b"],"rules":[],"extra":1}]'],
  ],
])('a wrong value of %s is refused, and the message names the variable', (variable, values) => {
  for (const value of values) {
    const faults = faultsOf({ [variable]: value });
    expect(faults, value).not.toEqual([]);
    for (const fault of faults) expect(fault).toMatch(new RegExp(`^${variable}: `));
  }
});

describe('DATABASE_URL', () => {
  test.each(['PUBLIC_URL', 'ENCRYPTION_KEYS'])('DATABASE_URL requires %s', (variable) => {
    expect(faultsOf({ ...server, [variable]: '' })).toEqual([expect.stringMatching(`^${variable}: is required`)]);
  });

  test('DATABASE_URL does not require ADMIN_API_KEY', () => {
    expect(loadConfig(server).adminApiKey).toBeNull();
  });

  test.each(['DATABASE_LISTEN_URL', 'DATABASE_MIGRATE_URL'])('%s without DATABASE_URL is a fault', (variable) => {
    expect(faultsOf({ [variable]: server.DATABASE_URL })).toEqual([`${variable}: is given without DATABASE_URL`]);
  });
});

test.each([
  ['api/oauth', '/api/oauth'],
  ['/api/oauth/', '/api/oauth'],
  ['//api//oauth', '/api/oauth'],
  ['/', ''],
])('BASE_PATH %s is normalised to "%s"', (value, normalised) => {
  expect(loadConfig({ BASE_PATH: value }).basePath).toBe(normalised);
});

test.each<[string, false | number | string[]]>([
  ['none', false],
  ['0', false],
  ['2', 2],
  ['10.0.0.1', ['10.0.0.1']],
  ['10.0.0.0/8, ::1, fd00::/8', ['10.0.0.0/8', '::1', 'fd00::/8']],
])('TRUST_PROXY=%s is read as %j', (value, expected) => {
  expect(loadConfig({ TRUST_PROXY: value }).trustProxy).toEqual(expected);
});

test('return URLs keep their spelling, because a final slash changes their meaning', () => {
  expect(loadConfig({ ALLOWED_RETURN_URLS: ' https://a.example ,https://b.example/,' }).allowedReturnUrls).toEqual([
    'https://a.example',
    'https://b.example/',
  ]);
});

test('encryption keys keep their order', () => {
  const other = Buffer.alloc(32, 9).toString('base64');
  expect(loadConfig({ ENCRYPTION_KEYS: `new:${other}, old:${key}` }).encryptionKeys?.map(({ id }) => id)).toEqual([
    'new',
    'old',
  ]);
});

test('the refresh lease outlives the longest provider call', () => {
  expect(loadConfig({ PROVIDER_CALL_CAP_MS: '60000' }).refreshLeaseMs).toBeGreaterThan(60_000);
});

test('TRUSTED_ISSUERS are read with their defaults', () => {
  const rules = [{ claims: { repository: 'acme/*' }, permissions: ['credentials:read'], organizations: ['acme'] }];
  const issuers = [{ issuer: 'https://issuer.example', audiences: ['token-broker'], rules }];
  expect(loadConfig({ TRUSTED_ISSUERS: JSON.stringify(issuers) }).trustedIssuers).toEqual([
    {
      ...issuers[0],
      jwksUri: null,
      algorithms: expect.arrayContaining(['RS256', 'ES256', 'EdDSA']),
      allowPrivateNetwork: false,
      caFile: null,
      rules: [{ ...rules[0], global: false, connections: null, rateLimitPerMinute: null }],
    },
  ]);
});

test('a fault in TRUSTED_ISSUERS is reported with its path', () => {
  const issuers = [{ issuer: 'https://a.example', audiences: [], rules: [] }];
  expect(faultsOf({ TRUSTED_ISSUERS: JSON.stringify(issuers) })).toEqual([
    expect.stringMatching(/^TRUSTED_ISSUERS: at 0\.audiences: /),
    expect.stringMatching(/^TRUSTED_ISSUERS: at 0\.rules: /),
  ]);
});

describe('secrets from files', () => {
  test.each(['ENCRYPTION_KEYS', 'ADMIN_API_KEY', 'DATABASE_URL', 'REDIS_URL'])(
    'a file named by %s_FILE replaces the variable',
    (variable) => {
      const { [variable as 'DATABASE_URL']: _, ...rest } = {
        ...server,
        ADMIN_API_KEY: adminKey,
        REDIS_URL: 'redis://r',
      };
      const value = { ...server, ADMIN_API_KEY: adminKey, REDIS_URL: 'redis://r' }[variable] ?? '';
      const env = { ...rest, [`${variable}_FILE`]: file(variable, `${value}\n`) };
      const revealed = ({ databaseUrl, redisUrl, adminApiKey, encryptionKeys }: ReturnType<typeof loadConfig>) =>
        [databaseUrl, redisUrl, adminApiKey, encryptionKeys?.filter(isHeld)[0]?.key].map((secret) => secret?.reveal());
      expect(revealed(loadConfig(env))).toEqual(revealed(loadConfig({ ...rest, [variable]: value })));
    },
  );

  test('a secret with both forms, a missing file or an empty file is reported as one fault', () => {
    expect(faultsOf({ ...server, DATABASE_URL_FILE: file('url', server.DATABASE_URL) })).toEqual([
      'DATABASE_URL_FILE: is given together with DATABASE_URL; give one of them',
    ]);
    expect(faultsOf({ ...server, ENCRYPTION_KEYS: '', ENCRYPTION_KEYS_FILE: join(folder, 'absent') })).toEqual([
      'ENCRYPTION_KEYS_FILE: names a file that cannot be read (ENOENT)',
    ]);
    expect(faultsOf({ ADMIN_API_KEY_FILE: file('empty', '\n') })).toEqual(['ADMIN_API_KEY_FILE: names an empty file']);
  });

  test('a fault in a secret file is reported without quoting its content', () => {
    const env = { ENCRYPTION_KEYS_FILE: file('keys', 'k1:hunter2') };
    expect(() => loadConfig(env)).toThrow('ENCRYPTION_KEYS: key 1 (k1) is not 32 bytes in base64');
    expect(() => loadConfig(env)).not.toThrow(/hunter/);
  });
});
