import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ConfiguredKey, parseEncryptionKeys } from '../domain/encryption-keys.ts';
import { KeyUnavailable } from '../domain/ports/keys.ts';
import { Secret } from '../domain/secret.ts';
import { writeDurably } from './durable-file.ts';
import { createPrivateDirectory } from './private-directory.ts';

export interface InstallationKeys {
  encryptionKeys: readonly ConfiguredKey[];
  adminKey: Secret;
  /** File of the generated admin key; null if the configuration holds the key. */
  adminKeyFile: string | null;
  /** True if this call generated it. */
  adminKeyCreated: boolean;
}

export interface InstallationKeysOptions {
  dataDir: string;
  /** Result of clusterExists before the cluster is created. */
  clusterExists: boolean;
  /** Keys of the configuration. They take precedence, and no file is written for them. */
  configured?: { encryptionKeys: readonly ConfiguredKey[] | null; adminKey: Secret | null };
}

/**
 * Loads the keys of an installation, and generates missing ones once, in files with mode 0600. Throws KeyUnavailable if
 * a cluster exists without the key that sealed its data. Call it with the lock held.
 */
export function loadOrCreateKeys({ dataDir, clusterExists, configured }: InstallationKeysOptions): InstallationKeys {
  const folder = resolve(dataDir);
  createPrivateDirectory(folder);
  const encryptionKeys =
    configured?.encryptionKeys ?? loadEncryptionKeys(join(folder, 'encryption-keys'), clusterExists);
  if (configured?.adminKey)
    return { encryptionKeys, adminKey: configured.adminKey, adminKeyFile: null, adminKeyCreated: false };
  const adminKeyFile = join(folder, 'admin-key');
  // The admin key seals no data, so a lost one can be replaced.
  const adminKeyCreated = !existsSync(adminKeyFile);
  if (adminKeyCreated) writeDurably(adminKeyFile, `${randomBytes(32).toString('base64url')}\n`);
  const adminKey = readFileSync(adminKeyFile, 'utf8').trim();
  if (adminKey.length < 32) {
    throw new Error(`${adminKeyFile} holds no key of 32 characters or more; remove it to get a new one.`);
  }
  return { encryptionKeys, adminKey: new Secret(adminKey), adminKeyFile, adminKeyCreated };
}

function loadEncryptionKeys(file: string, clusterExists: boolean): readonly ConfiguredKey[] {
  if (!existsSync(file)) {
    if (clusterExists) {
      throw new KeyUnavailable(
        `The embedded database exists, but ${file}, the key to its data, does not. Restore the file from a backup, or give ENCRYPTION_KEYS; no new key is made over existing data.`,
      );
    }
    writeDurably(file, `k1:${randomBytes(32).toString('base64')}\n`);
  }
  const { keys, faults } = parseEncryptionKeys(readFileSync(file, 'utf8').trim());
  if (faults.length > 0)
    throw new KeyUnavailable(`${file} cannot be used: ${faults.join('; ')}. Restore it from a backup.`);
  return keys;
}
