import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ConfiguredKey } from '../domain/encryption-keys.ts';
import type { Secret } from '../domain/secret.ts';
import { openInstallation } from '../embedded/installation.ts';
import { secureDataDirectory } from '../embedded/private-directory.ts';

export interface Foundation {
  databaseUrl: Secret;
  encryptionKeys: readonly ConfiguredKey[];
  adminKey: Secret | null;
  adminKeyFile: string | null;
  /** Whether this start created the admin key. */
  adminKeyCreated: boolean;
}

/** Takes the database and the keys from the configuration, or opens an installation in DATA_DIR that has both. */
export async function layFoundation(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<Foundation> {
  secureDirectory(config.dataDir, log);
  if (config.databaseUrl !== null) {
    const { databaseUrl, encryptionKeys, adminApiKey: adminKey } = config;
    return { databaseUrl, encryptionKeys: encryptionKeys ?? [], adminKey, adminKeyFile: null, adminKeyCreated: false };
  }
  const installation = await openInstallation({
    dataDir: config.dataDir,
    configured: { encryptionKeys: config.encryptionKeys, adminKey: config.adminApiKey },
    log: (level, message, fields = {}) => log[level](fields, message),
  });
  stack.defer(() => installation.close());
  return installation;
}

function secureDirectory(dataDir: string, log: Logger): void {
  const { tightened, exposed } = secureDataDirectory(dataDir);
  if (tightened.length > 0) log.warn({ paths: tightened }, 'permissions in the data directory tightened');
  if (exposed.length > 0) log.warn({ paths: exposed }, 'paths in the data directory are open to other users');
}
