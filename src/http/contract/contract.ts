import type { Declaration } from '../declaration.ts';
import * as apiKeys from './admin/api-keys.ts';
import * as auditEvents from './admin/audit-events.ts';
import * as fleetConnections from './admin/connections.ts';
import * as encryption from './admin/encryption.ts';
import * as fleetGrants from './admin/grants.ts';
import * as healthChecks from './admin/health-checks.ts';
import * as grantImport from './admin/import.ts';
import * as fleetStats from './admin/stats.ts';
import * as sweeps from './admin/sweeps.ts';
import * as authorizations from './authorizations.ts';
import * as browser from './browser.ts';
import * as connections from './connections.ts';
import * as credentials from './credentials.ts';
import * as documentation from './documentation.ts';
import * as grants from './grants.ts';
import * as health from './health.ts';
import * as metrics from './metrics.ts';
import * as providers from './providers.ts';
import * as workflows from './workflows.ts';

/** Every route of the API. The server does not start with a route that is missing here. */
export const contract: readonly Declaration[] = [
  connections,
  grants,
  authorizations,
  browser,
  credentials,
  workflows,
  providers,
  apiKeys,
  auditEvents,
  fleetStats,
  fleetConnections,
  fleetGrants,
  grantImport,
  sweeps,
  encryption,
  healthChecks,
  health,
  metrics,
  documentation,
].flatMap((resource) => Object.values<Declaration>(resource));
