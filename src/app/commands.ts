import { mkdirSync } from 'node:fs';
import type { Config } from '../config.ts';
import { loadOrCreateKeys } from '../embedded/generated-keys.ts';
import { migrate } from '../postgres/migrate.ts';
import { layFoundation } from './foundation.ts';
import { createLog } from './log.ts';

/** Brings the database up to this version's tables; the embedded one is started for it. */
export async function migrateOnce(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  await using stack = new AsyncDisposableStack();
  const { databaseUrl } = await layFoundation(config, log, stack);
  const done = await migrate((config.databaseListenUrl ?? databaseUrl).reveal());
  log.info({ migrations: done }, done.length > 0 ? 'migrated' : 'nothing to migrate');
}

/** Writes the keys of an installation into a directory; what is there already stays. True where something was written. */
export function initKeys(directory: string): boolean {
  mkdirSync(directory, { recursive: true });
  return loadOrCreateKeys({ dataDir: directory, clusterExists: false }).adminKeyCreated;
}
