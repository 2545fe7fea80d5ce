import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type EncryptionKey, parseEncryptionKeys } from '../domain/encryption-keys.ts';
import { KeyUnavailable } from '../domain/ports/keys.ts';
import { Secret } from '../domain/secret.ts';
import { writeDurably } from './durable-file.ts';
import { makePassable } from './passable.ts';

export interface InstallationKeys {
  encryptionKeys: readonly EncryptionKey[];
  adminKey: Secret;
  /** Where a generated admin key lies, for whoever has to be told; null where it was given. */
  adminKeyFile: string | null;
  /** True where this call made it. */
  adminKeyCreated: boolean;
}

export interface InstallationKeysOptions {
  dataDir: string;
  /** As clusterExists tells, before the cluster is made. */
  clusterExists: boolean;
  /** What the configuration gives stands, and no file is made for it. */
  given?: { encryptionKeys: readonly EncryptionKey[] | null; adminKey: Secret | null };
}

/**
 * The keys of an installation that was given none: made once, kept in the data directory for its owner alone. Throws
 * KeyUnavailable where there is a cluster but not the key its data was sealed with. Call with the lock held.
 */
export function loadOrCreateKeys({ dataDir, clusterExists, given }: InstallationKeysOptions): InstallationKeys {
  const folder = resolve(dataDir);
  makePassable(folder);
  const encryptionKeys = given?.encryptionKeys ?? loadEncryptionKeys(join(folder, 'encryption-keys'), clusterExists);
  if (given?.adminKey) return { encryptionKeys, adminKey: given.adminKey, adminKeyFile: null, adminKeyCreated: false };
  const adminKeyFile = join(folder, 'admin-key');
  // The admin key opens nothing that is stored: a lost one is simply replaced.
  const adminKeyCreated = !existsSync(adminKeyFile);
  if (adminKeyCreated) writeDurably(adminKeyFile, `${randomBytes(32).toString('base64url')}\n`);
  const adminKey = readFileSync(adminKeyFile, 'utf8').trim();
  if (adminKey.length < 32) {
    throw new Error(`${adminKeyFile} holds no key of 32 characters or more; remove it to get a new one.`);
  }
  return { encryptionKeys, adminKey: new Secret(adminKey), adminKeyFile, adminKeyCreated };
}

function loadEncryptionKeys(file: string, clusterExists: boolean): readonly EncryptionKey[] {
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
