import type { Declaration } from '../declaration.ts';
import * as apiKeys from './api-keys.ts';
import * as authorizations from './authorizations.ts';
import * as browser from './browser.ts';
import * as connections from './connections.ts';
import * as credentials from './credentials.ts';
import * as documentation from './documentation.ts';
import * as grants from './grants.ts';
import * as health from './health.ts';
import * as providers from './providers.ts';

/** Every route there is. The server refuses to start where a declared route has no handler. */
export const contract: readonly Declaration[] = [
  connections,
  grants,
  authorizations,
  browser,
  credentials,
  providers,
  apiKeys,
  health,
  documentation,
].flatMap((resource) => Object.values<Declaration>(resource));
