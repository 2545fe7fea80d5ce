import type { z } from 'zod';
import { readSecretFiles, type VariableFault } from './config/secret-files.ts';
import type { TrustedIssuer } from './config/trusted-issuers.ts';
import { faultsTogether, type Variables, variables } from './config/variables.ts';
import type { EncryptionKey } from './domain/encryption-keys.ts';
import type { RefreshSchedule } from './domain/refresh-policy.ts';
import type { Secret } from './domain/secret.ts';

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Origin of redirect URIs and links; null where neither it nor a port was given, and the port decides. */
  readonly publicUrl: string | null;
  /** Empty, or with a leading and without a trailing slash. */
  readonly basePath: string;
  readonly role: 'all' | 'api' | 'worker';
  /** Null: the embedded database. */
  readonly databaseUrl: Secret | null;
  readonly databasePoolMax: number;
  /** Null: the same as databaseUrl. */
  readonly databaseListenUrl: Secret | null;
  /** Null: the queue lives in the database. */
  readonly redisUrl: Secret | null;
  /** Absolute. */
  readonly dataDir: string;
  /** Newest first, never empty; null: generated with the embedded database. */
  readonly encryptionKeys: readonly EncryptionKey[] | null;
  readonly adminApiKey: Secret | null;
  readonly refresh: RefreshSchedule;
  readonly healthCheckIntervalMs: number;
  readonly expiryWarningMs: number;
  readonly auditRetentionMs: number;
  readonly authorizationTtlMs: number;
  readonly provider: { readonly timeoutMs: number; readonly callCapMs: number; readonly retries: number };
  /** Must exceed the longest a provider call may run: a lease that lapses mid-call lets a second caller spend the same refresh token. */
  readonly refreshLeaseMs: number;
  /** Exact URLs, or origins. */
  readonly allowedReturnUrls: readonly string[];
  readonly allowPrivateNetwork: boolean;
  /** Absolute. */
  readonly connectionsFile: string | null;
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** Requests a minute for each address on public routes and for failed authentication. */
  readonly rateLimitMax: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Number of hops, or addresses and ranges; false: forwarding headers are ignored. */
  readonly trustProxy: false | number | readonly string[];
}

/** Every fault of the environment at once. Neither faults nor message quote what was given. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly faults: readonly VariableFault[];

  constructor(faults: readonly VariableFault[]) {
    const lines = faults.map(({ variable, message }) => `  ${variable}: ${message}`);
    super(`The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const dayMs = 24 * 60 * minuteMs;
/** What a lease outlives the call it guards by: time to persist the answer. */
const leaseMarginMs = 15 * secondMs;

/** Reads the whole environment once. Unknown variables are ignored. Throws ConfigurationError. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const { values, faults } = readSecretFiles(env);
  const result = variables.safeParse(values);
  const wrong = result.success ? [] : result.error.issues.map(toFault);
  const all = [...faults, ...wrong.filter(({ variable }) => values[variable] !== ''), ...faultsTogether(values)];
  if (!result.success || all.length > 0) throw new ConfigurationError(all);
  return deepFreeze(toConfig(result.data));
}

function toFault({ path: [variable, ...inside], message }: z.core.$ZodIssue): VariableFault {
  const place = inside.length === 0 ? '' : `at ${inside.map(String).join('.')}: `;
  return { variable: String(variable), message: `${place}${message}` };
}

function toConfig(given: Variables): Config {
  return {
    host: given.HOST,
    port: given.PORT,
    publicUrl: given.PUBLIC_URL ?? (given.PORT === 0 ? null : new URL(`http://localhost:${given.PORT}`).origin),
    basePath: given.BASE_PATH,
    role: given.ROLE,
    databaseUrl: given.DATABASE_URL ?? null,
    databasePoolMax: given.DATABASE_POOL_MAX,
    databaseListenUrl: given.DATABASE_LISTEN_URL ?? null,
    redisUrl: given.REDIS_URL ?? null,
    dataDir: given.DATA_DIR,
    encryptionKeys: given.ENCRYPTION_KEYS ?? null,
    adminApiKey: given.ADMIN_API_KEY ?? null,
    refresh: {
      intervalMs: given.REFRESH_INTERVAL_MINUTES * minuteMs,
      windowMs: given.REFRESH_WINDOW_MINUTES * minuteMs,
    },
    healthCheckIntervalMs: given.HEALTH_CHECK_INTERVAL_MINUTES * minuteMs,
    expiryWarningMs: given.EXPIRY_WARNING_DAYS * dayMs,
    auditRetentionMs: given.AUDIT_RETENTION_DAYS * dayMs,
    authorizationTtlMs: given.AUTHORIZATION_TTL_MINUTES * minuteMs,
    provider: {
      timeoutMs: given.PROVIDER_TIMEOUT_MS,
      callCapMs: given.PROVIDER_CALL_CAP_MS,
      retries: given.PROVIDER_RETRIES,
    },
    refreshLeaseMs: given.PROVIDER_CALL_CAP_MS + leaseMarginMs,
    allowedReturnUrls: given.ALLOWED_RETURN_URLS,
    allowPrivateNetwork: given.ALLOW_PRIVATE_NETWORK,
    connectionsFile: given.CONNECTIONS_FILE ?? null,
    trustedIssuers: given.TRUSTED_ISSUERS,
    rateLimitMax: given.RATE_LIMIT_MAX,
    logLevel: given.LOG_LEVEL,
    trustProxy: given.TRUST_PROXY,
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
