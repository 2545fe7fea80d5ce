import { resolve } from 'node:path';
import { z } from 'zod';
import type { VariableFault } from './secret-files.ts';
import { trustedIssuers } from './trusted-issuers.ts';
import {
  adminApiKey,
  basePath,
  encryptionKeys,
  host,
  oneOf,
  origin,
  path,
  returnUrls,
  serverUrl,
  trustProxy,
  wholeNumber,
  yesOrNo,
} from './values.ts';

/** Timers hold 2^31 milliseconds, a little under 25 days. */
const longestMinutes = 20_160;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const postgresUrl = serverUrl('postgres', 'postgresql');

export const variables = z.object({
  PORT: wholeNumber(0, 65_535, 8080),
  HOST: host,
  PUBLIC_URL: origin,
  BASE_PATH: basePath,
  ROLE: oneOf(['all', 'api', 'worker'], 'all'),
  DATABASE_URL: postgresUrl,
  // The least that leaves the queue's own pool, the listener and the service a connection each.
  DATABASE_POOL_MAX: wholeNumber(4, 10_000, 20),
  DATABASE_LISTEN_URL: postgresUrl,
  REDIS_URL: serverUrl('redis', 'rediss'),
  DATA_DIR: path.default(() => resolve('data')),
  ENCRYPTION_KEYS: encryptionKeys,
  ADMIN_API_KEY: adminApiKey,
  REFRESH_INTERVAL_MINUTES: wholeNumber(1, longestMinutes, 30),
  REFRESH_WINDOW_MINUTES: wholeNumber(1, longestMinutes, 240),
  HEALTH_CHECK_INTERVAL_MINUTES: wholeNumber(1, longestMinutes, 60),
  EXPIRY_WARNING_DAYS: wholeNumber(0, 365, 7),
  AUDIT_RETENTION_DAYS: wholeNumber(1, 36_500, 90),
  AUTHORIZATION_TTL_MINUTES: wholeNumber(1, 1440, 15),
  PROVIDER_TIMEOUT_MS: wholeNumber(100, 600_000, 10_000),
  PROVIDER_CALL_CAP_MS: wholeNumber(100, 600_000, 30_000),
  PROVIDER_RETRIES: wholeNumber(0, 10, 3),
  ALLOWED_RETURN_URLS: returnUrls,
  ALLOW_PRIVATE_NETWORK: yesOrNo(false),
  CONNECTIONS_FILE: path.optional(),
  TRUSTED_ISSUERS: trustedIssuers,
  RATE_LIMIT_MAX: wholeNumber(1, 1_000_000, 300),
  LOG_LEVEL: oneOf(logLevels, 'info'),
  TRUST_PROXY: trustProxy,
});

export type Variables = z.infer<typeof variables>;

/** Faults between variables, found whether or not each is right by itself, so that one message holds them all. */
export function faultsTogether(given: Record<string, string>): VariableFault[] {
  const faults: VariableFault[] = [];
  const onServer = given.DATABASE_URL !== undefined;
  if (onServer && given.PUBLIC_URL === undefined) {
    faults.push({ variable: 'PUBLIC_URL', message: 'is required with DATABASE_URL' });
  }
  if (onServer && given.ENCRYPTION_KEYS === undefined) {
    faults.push({
      variable: 'ENCRYPTION_KEYS',
      message: 'is required with DATABASE_URL (id:base64 of 32 random bytes)',
    });
  }
  if (!onServer && given.DATABASE_LISTEN_URL !== undefined) {
    faults.push({ variable: 'DATABASE_LISTEN_URL', message: 'is given without DATABASE_URL' });
  }
  const { PROVIDER_TIMEOUT_MS: timeout = 10_000, PROVIDER_CALL_CAP_MS: cap = 30_000 } = given;
  if (Number(cap) < Number(timeout)) {
    faults.push({ variable: 'PROVIDER_CALL_CAP_MS', message: 'must not be below PROVIDER_TIMEOUT_MS' });
  }
  return faults;
}
