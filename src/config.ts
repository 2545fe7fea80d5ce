import { resolve } from 'node:path';
import type { z } from 'zod';
import { toConsoleSignIn } from './config/console-sign-in.ts';
import { toKeyServices } from './config/key-service-variables.ts';
import { readSecretFiles, type VariableFault } from './config/secret-files.ts';
import { faultsAround } from './config/surroundings.ts';
import { faultsBetween, type Variables, variables } from './config/variables.ts';
import type { ConsoleSignIn } from './domain/callers/console-sign-in.ts';
import type { TrustedIssuer } from './domain/callers/trusted-issuer.ts';
import type { ConfiguredKey } from './domain/encryption-keys.ts';
import type { RefreshSchedule } from './domain/grants/refresh-policy.ts';
import type { KeyServiceSettings } from './domain/keys/key-services.ts';
import type { Secret } from './domain/secret.ts';

export interface Config {
  readonly host: string;
  /** 0 selects any free port. */
  readonly port: number;
  /** Origin and path, without a slash at the end, that BASE_PATH follows in redirect URIs and links; null with PORT=0 and no PUBLIC_URL: the port is known only after listening. */
  readonly publicUrl: string | null;
  /** Empty, or a path with a leading slash and no trailing slash. */
  readonly basePath: string;
  readonly role: 'all' | 'api' | 'worker';
  /** Null selects the embedded database. */
  readonly databaseUrl: Secret | null;
  readonly databasePoolMax: number;
  /** transaction: databaseUrl goes through a pooler, so connections to it keep no session state. */
  readonly databasePooler: 'session' | 'transaction';
  /** Null means the same as databaseUrl. */
  readonly databaseListenUrl: Secret | null;
  /** Role that owns the tables. Null: the role of the service owns them. */
  readonly databaseMigrateUrl: Secret | null;
  /** Null places the queue in the database. */
  readonly redisUrl: Secret | null;
  /** Absolute path. */
  readonly dataDir: string;
  /** First one seals; never empty. Null: the installation in dataDir generates its own. */
  readonly encryptionKeys: readonly ConfiguredKey[] | null;
  readonly keyServices: KeyServiceSettings;
  readonly adminApiKey: Secret | null;
  readonly refresh: RefreshSchedule;
  /** False with REFRESH_MODE=off: nothing is sent to token and revocation endpoints. */
  readonly callsTokenEndpoints: boolean;
  readonly healthCheckIntervalMs: number;
  readonly expiryWarningMs: number;
  readonly auditRetentionMs: number;
  readonly authorizationTtlMs: number;
  /** Links that show a page before the provider: those of authorizations for a subject, all, or none. */
  readonly confirmPage: 'subject' | 'always' | 'never';
  readonly provider: { readonly timeoutMs: number; readonly callCapMs: number; readonly retries: number };
  readonly providerProxy: {
    /** Null: provider calls go without a proxy. */
    readonly url: Secret | null;
    readonly noProxy: string;
    /** Variable that names a proxy for other programs while PROVIDER_PROXY_URL is absent. */
    readonly unusedVariable: string | null;
  };
  /** Must exceed callCapMs: a lease that lapses mid-call lets a second process spend the same refresh token. */
  readonly refreshLeaseMs: number;
  /** Exact URLs or origins. */
  readonly allowedReturnUrls: readonly string[];
  readonly allowPrivateNetwork: boolean;
  /** Absolute path. */
  readonly connectionsFile: string | null;
  /** Absolute path of the folder of further provider templates. */
  readonly templatesDir: string | null;
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** Null: people sign in to the console with an API key only. */
  readonly consoleSignIn: ConsoleSignIn | null;
  /** Requests per minute and address, on public routes and for failed authentication. */
  readonly rateLimitMax: number;
  /** Credentials kept in memory; 0: none. */
  readonly credentialCacheMax: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Number of hops, or addresses and ranges. False ignores forwarding headers. */
  readonly trustProxy: false | number | readonly string[];
}

/** Holds all faults of the environment. Neither the faults nor the message quote a value: it may be a secret. */
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
/** Time to store the token response before the lease lapses. */
const leaseMarginMs = 15 * secondMs;

/** Returns the environment, for the variables that a file of connections names. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Reads where a start leaves the reason of its failure, also if other variables are wrong. */
export function readStartPlace(
  env: Record<string, string | undefined> = process.env,
): Pick<Config, 'dataDir' | 'role'> {
  const role = (['api', 'worker'] as const).find((name) => name === env.ROLE) ?? 'all';
  return { dataDir: resolve(env.DATA_DIR || 'data'), role };
}

/** Reads the whole environment. Ignores unknown variables. Throws ConfigurationError. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const { values, faults } = readSecretFiles(env);
  const around = faultsAround(values, Object.keys(variables.shape));
  const named = new Set(around.map(({ variable }) => variable));
  const result = variables.safeParse(values);
  const wrong = (result.success ? [] : result.error.issues.map(toFault)).filter(
    ({ variable }) => values[variable] !== '' && !named.has(variable),
  );
  const all = [...faults, ...around, ...wrong, ...faultsBetween(values)];
  if (!result.success || all.length > 0) throw new ConfigurationError(all);
  return deepFreeze(toConfig(result.data));
}

function toFault({ path: [variable, ...inside], message }: z.core.$ZodIssue): VariableFault {
  const place = inside.length === 0 ? '' : `at ${inside.map(String).join('.')}: `;
  return { variable: String(variable), message: `${place}${message}` };
}

function toConfig(values: Variables): Config {
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL ?? (values.PORT === 0 ? null : new URL(`http://localhost:${values.PORT}`).origin),
    basePath: values.BASE_PATH,
    role: values.ROLE,
    databaseUrl: values.DATABASE_URL ?? null,
    databasePoolMax: values.DATABASE_POOL_MAX,
    databasePooler: values.DATABASE_POOLER ?? poolerBetween(values),
    databaseListenUrl: values.DATABASE_LISTEN_URL ?? null,
    databaseMigrateUrl: values.DATABASE_MIGRATE_URL ?? null,
    redisUrl: values.REDIS_URL ?? null,
    dataDir: values.DATA_DIR,
    encryptionKeys: values.ENCRYPTION_KEYS ?? null,
    keyServices: toKeyServices(values),
    adminApiKey: values.ADMIN_API_KEY ?? null,
    refresh: {
      intervalMs: values.REFRESH_INTERVAL_MINUTES * minuteMs,
      windowMs: values.REFRESH_WINDOW_MINUTES * minuteMs,
    },
    callsTokenEndpoints: values.REFRESH_MODE === 'on',
    healthCheckIntervalMs: values.HEALTH_CHECK_INTERVAL_MINUTES * minuteMs,
    expiryWarningMs: values.EXPIRY_WARNING_DAYS * dayMs,
    auditRetentionMs: values.AUDIT_RETENTION_DAYS * dayMs,
    authorizationTtlMs: values.AUTHORIZATION_TTL_MINUTES * minuteMs,
    confirmPage: values.CONFIRM_PAGE,
    provider: {
      timeoutMs: values.PROVIDER_TIMEOUT_MS,
      callCapMs: values.PROVIDER_CALL_CAP_MS,
      retries: values.PROVIDER_RETRIES,
    },
    providerProxy: {
      url: values.PROVIDER_PROXY_URL ?? null,
      noProxy: values.NO_PROXY,
      unusedVariable: unusedProxyVariable(values),
    },
    refreshLeaseMs: values.PROVIDER_CALL_CAP_MS + leaseMarginMs,
    allowedReturnUrls: values.ALLOWED_RETURN_URLS,
    allowPrivateNetwork: values.ALLOW_PRIVATE_NETWORK,
    connectionsFile: values.CONNECTIONS_FILE ?? null,
    templatesDir: values.TEMPLATES_DIR ?? null,
    trustedIssuers: values.TRUSTED_ISSUERS,
    consoleSignIn: toConsoleSignIn(values),
    rateLimitMax: values.RATE_LIMIT_MAX,
    credentialCacheMax: values.CREDENTIAL_CACHE_MAX,
    logLevel: values.LOG_LEVEL,
    trustProxy: values.TRUST_PROXY,
  };
}

/** A second URL for LISTEN says that the first one goes through a transaction pooler. */
function poolerBetween({ DATABASE_URL: url, DATABASE_LISTEN_URL: listenUrl }: Variables): Config['databasePooler'] {
  return listenUrl === undefined || listenUrl.reveal() === url?.reveal() ? 'session' : 'transaction';
}

function unusedProxyVariable(values: Variables): string | null {
  if (values.PROVIDER_PROXY_URL !== undefined) return null;
  return (['HTTPS_PROXY', 'https_proxy'] as const).find((name) => values[name] !== undefined) ?? null;
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
