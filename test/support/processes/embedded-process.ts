import { stderr, stdin, stdout } from 'node:process';
import { clusterExists } from '../../../src/embedded/cluster/cluster-location.ts';
import { createEmbeddedPostgres } from '../../../src/embedded/cluster/embedded-postgres.ts';
import { loadOrCreateKeys } from '../../../src/embedded/generated-keys.ts';
import { acquireLock } from '../../../src/embedded/lock.ts';

// Owns a data directory as the service does: `node embedded-process.ts DATA_DIR SHELTER`. Prints one line of JSON when
// the database is up, and stops in order on SIGTERM or when its standard input ends.
const [dataDir = '', shelter = ''] = process.argv.slice(2);
try {
  const lock = await acquireLock(dataDir);
  loadOrCreateKeys({ dataDir, clusterExists: clusterExists(dataDir) });
  const database = await createEmbeddedPostgres({ dataDir, shelter, log: () => {}, settings: { fsync: 'off' } });
  const stop = async () => {
    stdin.destroy();
    await database.stop();
    lock.release();
  };
  process.once('SIGTERM', stop);
  // The parent holds the other end: its databases stop when a test run is killed.
  stdin.once('end', stop).resume();
  stdout.on('error', () => {});
  stdout.write(`${JSON.stringify({ pid: database.pid(), url: database.connectionString.reveal() })}\n`);
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
