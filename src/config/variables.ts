import { resolve } from 'node:path';
import { z } from 'zod';
import { normalizePath } from './base-path.ts';
import { consoleSignInFaults, consoleSignInVariables } from './console-sign-in.ts';
import { readDatabaseUrl } from './database-url.ts';
import { keyServiceVariables } from './key-service-variables.ts';
import { readProxyUrl } from './proxy-url.ts';
import { readRedisUrl } from './redis-url.ts';
import type { VariableFault } from './secret-files.ts';
import { trustedIssuers } from './trusted-issuers.ts';
import {
  adminApiKey,
  basePath,
  encryptionKeys,
  host,
  oneOf,
  path,
  publicUrl,
  returnUrls,
  trustProxy,
  urlReadBy,
  wholeNumber,
  yesOrNo,
} from './values.ts';

/** 14 days. Timers hold up to 2^31 milliseconds, just under 25 days; a longer delay fires at once. */
const longestMinutes = 20_160;
/**
 * Minimum connections: one for LISTEN, one for health, one for revocations and one for everything else. A queue in the
 * database adds two connections, and four for its workers. Smaller values would be exceeded.
 */
const leastPoolMax = { redis: 4, api: 6, worker: 10 } as const;
const defaultPoolMax = 20;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const postgresUrl = urlReadBy(readDatabaseUrl);

export const variables = z.object({
  PORT: wholeNumber(0, 65_535, 8080),
  HOST: host,
  PUBLIC_URL: publicUrl,
  BASE_PATH: basePath,
  ROLE: oneOf(['all', 'api', 'worker'], 'all'),
  DATABASE_URL: postgresUrl,
  DATABASE_POOL_MAX: wholeNumber(leastPoolMax.redis, 10_000, defaultPoolMax),
  DATABASE_POOLER: z.enum(['session', 'transaction'], 'must be one of session, transaction').optional(),
  DATABASE_LISTEN_URL: postgresUrl,
  DATABASE_MIGRATE_URL: postgresUrl,
  REDIS_URL: urlReadBy(readRedisUrl),
  DATA_DIR: path.default(() => resolve('data')),
  ENCRYPTION_KEYS: encryptionKeys,
  ...keyServiceVariables,
  ADMIN_API_KEY: adminApiKey,
  REFRESH_INTERVAL_MINUTES: wholeNumber(1, longestMinutes, 30),
  REFRESH_WINDOW_MINUTES: wholeNumber(1, longestMinutes, 240),
  REFRESH_MODE: oneOf(['on', 'off'], 'on'),
  HEALTH_CHECK_INTERVAL_MINUTES: wholeNumber(1, longestMinutes, 60),
  EXPIRY_WARNING_DAYS: wholeNumber(0, 365, 7),
  AUDIT_RETENTION_DAYS: wholeNumber(1, 36_500, 90),
  AUTHORIZATION_TTL_MINUTES: wholeNumber(1, 1440, 15),
  CONFIRM_PAGE: oneOf(['subject', 'always', 'never'], 'subject'),
  PROVIDER_TIMEOUT_MS: wholeNumber(100, 600_000, 10_000),
  PROVIDER_CALL_CAP_MS: wholeNumber(100, 600_000, 30_000),
  PROVIDER_RETRIES: wholeNumber(0, 10, 3),
  PROVIDER_PROXY_URL: urlReadBy(readProxyUrl),
  NO_PROXY: z.string().default(''),
  // Variables of other programs, which are only mentioned in the log.
  HTTPS_PROXY: z.string().optional(),
  https_proxy: z.string().optional(),
  ALLOWED_RETURN_URLS: returnUrls,
  ALLOW_PRIVATE_NETWORK: yesOrNo(false),
  CONNECTIONS_FILE: path.optional(),
  TEMPLATES_DIR: path.optional(),
  TRUSTED_ISSUERS: trustedIssuers,
  ...consoleSignInVariables,
  RATE_LIMIT_MAX: wholeNumber(1, 1_000_000, 300),
  // About two kilobytes each: a million are 2 GB, the most that a process of Node holds by default.
  CREDENTIAL_CACHE_MAX: wholeNumber(0, 1_000_000, 20_000),
  LOG_LEVEL: oneOf(logLevels, 'info'),
  TRUST_PROXY: trustProxy,
});

export type Variables = z.infer<typeof variables>;

/** Finds faults between variables. Runs even if single variables are wrong, so that one message lists every fault. */
export function faultsBetween(values: Record<string, string>): VariableFault[] {
  const faults: VariableFault[] = [];
  const hasServer = values.DATABASE_URL !== undefined;
  if (hasServer && values.PUBLIC_URL === undefined) {
    faults.push({ variable: 'PUBLIC_URL', message: 'is required with DATABASE_URL' });
  }
  const prefix = normalizePath(values.BASE_PATH ?? '');
  if (prefix !== '' && pathOf(values.PUBLIC_URL).endsWith(prefix)) {
    const message =
      'ends with BASE_PATH, and the two are joined. It holds a path only if a proxy strips it, and then BASE_PATH is without it';
    faults.push({ variable: 'PUBLIC_URL', message });
  }
  if (hasServer && values.ENCRYPTION_KEYS === undefined) {
    faults.push({
      variable: 'ENCRYPTION_KEYS',
      message: 'is required with DATABASE_URL (id:base64 of 32 random bytes)',
    });
  }
  for (const variable of ['DATABASE_LISTEN_URL', 'DATABASE_MIGRATE_URL']) {
    if (!hasServer && values[variable] !== undefined) {
      faults.push({ variable, message: 'is given without DATABASE_URL' });
    }
  }
  if (values.DATABASE_POOLER === 'transaction' && values.DATABASE_LISTEN_URL === undefined) {
    if (!hasServer) faults.push({ variable: 'DATABASE_POOLER', message: 'is given without DATABASE_URL' });
    else if (values.REDIS_URL === undefined) {
      const message =
        'is required with DATABASE_POOLER=transaction without REDIS_URL: the queue in the database needs a direct connection';
      faults.push({ variable: 'DATABASE_LISTEN_URL', message });
    }
  }
  const least = leastPoolMax[values.ROLE === 'api' ? 'api' : 'worker'];
  if (values.REDIS_URL === undefined && Number(values.DATABASE_POOL_MAX ?? defaultPoolMax) < least) {
    const message = `must be ${least} or more without REDIS_URL: the queue in the database has connections of its own`;
    faults.push({ variable: 'DATABASE_POOL_MAX', message });
  }
  const { PROVIDER_TIMEOUT_MS: timeout = 10_000, PROVIDER_CALL_CAP_MS: cap = 30_000 } = values;
  if (Number(cap) < Number(timeout)) {
    faults.push({ variable: 'PROVIDER_CALL_CAP_MS', message: 'must not be below PROVIDER_TIMEOUT_MS' });
  }
  faults.push(...consoleSignInFaults(values));
  return faults;
}

function pathOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? normalizePath(new URL(url).pathname) : '';
}
