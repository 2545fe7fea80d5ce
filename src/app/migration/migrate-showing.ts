import type { Logger } from 'pino';
import { migrate } from '../../postgres/driver/migrate.ts';

/** Milliseconds after which a migration is worth a line: on an empty database each takes less. */
const silentForMs = 1_000;
const repeatMs = 10_000;

/** Migrates, and logs which migration is running while it takes long. */
export async function migrateShowing(url: string, log: Pick<Logger, 'info'>): Promise<string[]> {
  const progress = createMigrationProgress(log);
  return migrate(url, progress.onStart).finally(progress.end);
}

/** Logs the migration that runs, after a second and then every ten seconds. The next one, or the end, stops that. */
export function createMigrationProgress(log: Pick<Logger, 'info'>): { onStart(name: string): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;

  function wait(migration: string, startedAt: number, delayMs: number): void {
    timer = setTimeout(() => {
      log.info({ migration, seconds: Math.round((performance.now() - startedAt) / 1000) }, 'migration is running');
      wait(migration, startedAt, repeatMs);
    }, delayMs);
  }

  const end = () => clearTimeout(timer);
  return {
    onStart(name) {
      end();
      wait(name, performance.now(), silentForMs);
    },
    end,
  };
}
