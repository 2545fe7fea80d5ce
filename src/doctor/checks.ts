import type { Check } from './check.ts';
import { accessCheck } from './checks/access.ts';
import { clockCheck } from './checks/clock.ts';
import { dataDirectoryCheck } from './checks/data-directory.ts';
import { databaseCheck } from './checks/database.ts';
import { keysCheck } from './checks/keys.ts';
import { keysBackupCheck } from './checks/keys-backup.ts';
import { migrationCheck } from './checks/migration.ts';
import { providersCheck } from './checks/providers.ts';
import { proxyCheck } from './checks/proxy.ts';
import { publicUrlCheck } from './checks/public-url.ts';
import { queueCheck } from './checks/queue.ts';
import { redirectUrisCheck } from './checks/redirect-uris.ts';
import { serviceCheck } from './checks/service.ts';
import { spoolCheck } from './checks/spool.ts';
import { workersCheck } from './checks/workers.ts';

/** In the order in which one explains the next: without a database there are no workers. */
export const checks: readonly Check[] = [
  serviceCheck,
  accessCheck,
  dataDirectoryCheck,
  databaseCheck,
  migrationCheck,
  keysCheck,
  keysBackupCheck,
  queueCheck,
  workersCheck,
  spoolCheck,
  clockCheck,
  publicUrlCheck,
  redirectUrisCheck,
  providersCheck,
  proxyCheck,
];
