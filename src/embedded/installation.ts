import type { EncryptionKey } from '../domain/encryption-keys.ts';
import type { Secret } from '../domain/secret.ts';
import { createEmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';
import { type InstallationKeys, loadOrCreateKeys } from './generated-keys.ts';
import { acquireLock } from './lock.ts';
import { clusterExists } from './placement.ts';

export interface Installation extends InstallationKeys {
  databaseUrl: Secret;
  /** Shuts the database down and lets another broker have the directory. */
  close(): Promise<void>;
}

export interface InstallationOptions {
  dataDir: string;
  /** What the configuration gives in place of generated keys. */
  given: { encryptionKeys: readonly EncryptionKey[] | null; adminKey: Secret | null };
  log: EmbeddedPostgresOptions['log'];
}

/** A data directory with all that a broker needs: made at first, opened by one process at a time. */
export async function openInstallation({ dataDir, given, log }: InstallationOptions): Promise<Installation> {
  const lock = await acquireLock(dataDir);
  try {
    // Keys before the cluster: a crash between the two leaves a key without data, never data without its key.
    const keys = loadOrCreateKeys({ dataDir, clusterExists: clusterExists(dataDir), given });
    const server = await createEmbeddedPostgres({ dataDir, log });
    return {
      ...keys,
      databaseUrl: server.connectionString,
      close: async () => {
        await server.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
