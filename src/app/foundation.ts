import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { EncryptionKey } from '../domain/encryption-keys.ts';
import type { Secret } from '../domain/secret.ts';
import { openInstallation } from '../embedded/installation.ts';

export interface Foundation {
  databaseUrl: Secret;
  encryptionKeys: readonly EncryptionKey[];
  adminKey: Secret | null;
  adminKeyFile: string | null;
}

/** The database and the keys: given by the configuration, or an installation of our own in DATA_DIR. */
export async function layFoundation(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<Foundation> {
  if (config.databaseUrl !== null) {
    const { databaseUrl, encryptionKeys, adminApiKey: adminKey } = config;
    return { databaseUrl, encryptionKeys: encryptionKeys ?? [], adminKey, adminKeyFile: null };
  }
  const installation = await openInstallation({
    dataDir: config.dataDir,
    given: { encryptionKeys: config.encryptionKeys, adminKey: config.adminApiKey },
    log: (level, message, facts = {}) => log[level](facts, message),
  });
  stack.defer(() => installation.close());
  return installation;
}
