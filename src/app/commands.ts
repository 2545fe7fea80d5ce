import type { Config } from '../config.ts';
import { loadOrCreateKeys } from '../embedded/generated-keys.ts';
import { secureDataDirectory } from '../embedded/private-directory.ts';
import { layFoundation } from './foundation.ts';
import { createLog } from './log/log.ts';
import { logProcessOutput } from './log/process-output.ts';
import { migrateDatabase } from './migration/migrate-database.ts';
import { exitOnSignals } from './process/signals.ts';

/** Migrates the database to this version. Starts the embedded database if there is no other. */
export async function migrateOnce(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  logProcessOutput(log);
  exitOnSignals();
  await using stack = new AsyncDisposableStack();
  const { databaseUrl } = await layFoundation(config, log, stack);
  const applied = await migrateDatabase(config, databaseUrl, log);
  log.info({ migrations: applied }, 'database migrated');
}

/**
 * Writes the keys of an installation into a directory, and takes the access of other users from it. Keeps existing
 * files. `exposed` lists paths that stay accessible to other users.
 */
export function initKeys(directory: string): { created: boolean; exposed: string[] } {
  const { exposed } = secureDataDirectory(directory);
  return { created: loadOrCreateKeys({ dataDir: directory, clusterExists: false }).adminKeyCreated, exposed };
}
