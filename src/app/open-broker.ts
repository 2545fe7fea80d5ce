import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Broker, createBroker } from '../broker/assembly/create-broker.ts';
import type { Config } from '../config.ts';
import { createDataKeyMaker } from '../crypto/data-keys.ts';
import type { DerivedKeys } from '../crypto/derived-keys.ts';
import { createSecretFingerprints } from '../crypto/secret-fingerprints.ts';
import { newId } from '../crypto/tokens.ts';
import { isHeld } from '../domain/encryption-keys.ts';
import type { OnFetch } from '../domain/grants/credential-fetch.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { KeyEncryptionKeys } from '../domain/ports/keys.ts';
import type { RefreshQueue } from '../domain/ports/maintenance/queue.ts';
import type { OnRefreshEnd } from '../domain/ports/monitoring/observations.ts';
import type { InstallationReadings } from '../domain/ports/monitoring/readings.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import type { WorkloadTokens } from '../domain/ports/workload-tokens.ts';
import type { Instance } from '../embedded/instance.ts';
import { createSpool } from '../embedded/spool.ts';
import type { CachedApiKeys } from '../postgres/cache/api-key-cache.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { Foundation } from './foundation.ts';
import {
  logExpiryWarnings,
  logHealthChanges,
  logRecordedFailures,
  logRefreshFailures,
  logRevocationsGivenUp,
} from './log/failure-log.ts';
import { logKeys } from './log/key-log.ts';
import type { openProvider } from './provider.ts';

export interface BrokerParts {
  config: Config;
  log: Logger;
  foundation: Foundation;
  instance: Instance;
  postgres: Postgres;
  apiKeys: CachedApiKeys;
  workloadTokens: WorkloadTokens;
  provider: ReturnType<typeof openProvider>;
  queue: RefreshQueue;
  readings: InstallationReadings;
  cipher: Cipher;
  keyEncryptionKeys: KeyEncryptionKeys;
  derivedKeys: DerivedKeys;
  tokens: Tokens;
  ended: AbortSignal;
  onRefreshEnd: OnRefreshEnd;
  /** Called one after the other for each fetch. */
  fetchObservers: readonly OnFetch[];
  /** Origin that browsers use. Known once the process listens. */
  publicUrl: () => string;
  onError: (error: unknown) => void;
}

/** Builds the use cases from the adapters of this process, and logs what they report. */
export function openBroker(parts: BrokerParts): Broker {
  const { config, log, foundation, instance, postgres, apiKeys, provider, queue, cipher, tokens, ended } = parts;
  const { keyEncryptionKeys } = parts;
  const baseUrl = () => `${parts.publicUrl()}${config.basePath}`;
  return createBroker(
    {
      ...postgres,
      database: logRecordedFailures(postgres.database, log, baseUrl),
      ...provider,
      apiKeys,
      recallApiKey: apiKeys.recall,
      noteKeyUse: apiKeys.noteUse,
      workloadTokens: parts.workloadTokens,
      queue,
      readings: parts.readings,
      cipher,
      fingerprints: createSecretFingerprints(() => parts.derivedKeys('client-secret-fingerprint')),
      keyEncryptionKeys,
      dataKeyMaker: createDataKeyMaker({ keyEncryptionKeys, newId, clock: postgres.clock.now }),
      ...logKeys(log),
      tokens,
      newId,
      clock: postgres.clock.now,
      spool: spoolOf(instance, log),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      ended,
      onBackgroundError: parts.onError,
      onRefreshFailure: logRefreshFailures(log, baseUrl),
      onRefreshEnd: parts.onRefreshEnd,
      onHealthChange: logHealthChanges(log, baseUrl),
      onExpiryWarning: logExpiryWarnings(log, baseUrl),
      onRevocationGivenUp: logRevocationsGivenUp(log, baseUrl),
      onFetch: (fetch) => {
        for (const observe of parts.fetchObservers) observe(fetch);
      },
    },
    {
      baseUrl,
      bootstrapKey: foundation.adminKey,
      consoleRoles: config.consoleSignIn?.roles ?? [],
      allowedReturnUrls: config.allowedReturnUrls,
      authorizationTtlMs: config.authorizationTtlMs,
      confirmPage: config.confirmPage,
      schedule: config.refresh,
      callsTokenEndpoints: config.callsTokenEndpoints,
      healthCheckIntervalMs: config.healthCheckIntervalMs,
      expiryWarningMs: config.expiryWarningMs,
      auditRetentionMs: config.auditRetentionMs,
      providerTimeoutMs: config.provider.timeoutMs,
      leaseMs: config.refreshLeaseMs,
      instanceId: instance.id,
      heldKeyIds: foundation.encryptionKeys.filter(isHeld).map(({ id }) => id),
    },
  );
}

/** Opens the spool in the folder of an instance. */
export function spoolOf({ directory }: Instance, log: Logger) {
  return createSpool(directory, (file) => log.error({ file }, 'spooled token set unreadable'));
}
