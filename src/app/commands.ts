import { readDatabaseUrl } from '../config/database-url.ts';
import { readRedisUrl } from '../config/redis-url.ts';
import type { Config } from '../config.ts';
import { loadOrCreateKeys } from '../embedded/generated-keys.ts';
import { secureDataDirectory } from '../embedded/private-directory.ts';
import { createServerPassword, type ServerName } from '../embedded/server-password.ts';
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

const serverNames = ['database', 'redis'] as const;
const urlReaders = { database: readDatabaseUrl, redis: readRedisUrl };

/**
 * Writes the keys of an installation into a directory, with a password for each server that `urls` names, and takes the
 * access of other users from it. Keeps existing files. `exposed` lists paths that stay accessible to other users.
 */
export function initKeys(
  directory: string,
  urls: Readonly<Record<ServerName, string | undefined>>,
): { created: boolean; exposed: string[] } {
  const named = serverNames.flatMap((name) => {
    const url = urls[name];
    return url === undefined ? [] : [{ name, url: readServerUrl(name, url) }];
  });
  const { exposed } = secureDataDirectory(directory);
  const { adminKeyCreated } = loadOrCreateKeys({ dataDir: directory, clusterExists: false });
  const written = named.map(({ name, url }) => createServerPassword(directory, name, url));
  return { created: adminKeyCreated || written.includes(true), exposed };
}

function readServerUrl(name: ServerName, text: string): string {
  const read = urlReaders[name](text);
  if ('fault' in read) throw new Error(`--${name}-url ${read.fault}`);
  if (new URL(read.url).password !== '') throw new Error(`--${name}-url has a password: leave it out`);
  return read.url;
}
