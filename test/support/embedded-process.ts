import { stderr, stdout } from 'node:process';
import { createEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { loadOrCreateKeys } from '../../src/embedded/generated-keys.ts';
import { acquireLock } from '../../src/embedded/lock.ts';
import { clusterExists } from '../../src/embedded/placement.ts';

// A process that owns a data directory as the service does: `node embedded-process.ts DATA_DIR SHELTER`. Prints one line
// of JSON when the database is up, and stops in order on SIGTERM.
const [dataDir = '', shelter = ''] = process.argv.slice(2);
try {
  const lock = await acquireLock(dataDir);
  loadOrCreateKeys({ dataDir, clusterExists: clusterExists(dataDir) });
  const database = await createEmbeddedPostgres({ dataDir, shelter, log: () => {}, settings: { fsync: 'off' } });
  const report = () => ({ pid: database.pid(), url: database.connectionString.reveal() });
  stdout.write(`${JSON.stringify(report())}\n`);
  const alive = setInterval(() => {}, 60_000);
  process.once('SIGTERM', async () => {
    clearInterval(alive);
    await database.stop();
    lock.release();
  });
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
