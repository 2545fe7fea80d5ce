import type { ConfiguredKey } from '../domain/encryption-keys.ts';
import type { Secret } from '../domain/secret.ts';
import type { Log } from './claim.ts';
import { clusterExists } from './cluster/cluster-location.ts';
import { createEmbeddedPostgres } from './cluster/embedded-postgres.ts';
import { type InstallationKeys, loadOrCreateKeys } from './generated-keys.ts';
import { acquireLock } from './lock.ts';

export interface Installation extends InstallationKeys {
  databaseUrl: Secret;
  /** Stops the database and releases the directory. */
  close(): Promise<void>;
}

export interface InstallationOptions {
  dataDir: string;
  /** Keys of the configuration, used in place of generated ones. */
  configured: { encryptionKeys: readonly ConfiguredKey[] | null; adminKey: Secret | null };
  log: Log;
}

/**
 * Opens a data directory with database and keys; creates them on the first start. One process at a time may have it
 * open.
 */
export async function openInstallation({ dataDir, configured, log }: InstallationOptions): Promise<Installation> {
  const lock = await acquireLock(dataDir, log);
  try {
    // Keys come first: a crash between the two steps leaves a key without data, never data without its key.
    const keys = loadOrCreateKeys({ dataDir, clusterExists: clusterExists(dataDir), configured });
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
