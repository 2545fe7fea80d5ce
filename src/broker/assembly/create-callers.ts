import { type AuthenticateCaller, createAuthenticateCaller } from '../callers/authenticate-caller.ts';
import { createCreateApiKey } from '../callers/create-api-key.ts';
import { createListApiKeys } from '../callers/list-api-keys.ts';
import { createRevokeApiKey } from '../callers/revoke-api-key.ts';
import { createEndAllSessions } from '../sessions/end-all-sessions.ts';
import { createEndSession } from '../sessions/end-session.ts';
import { createListSessions } from '../sessions/list-sessions.ts';
import { createOpenSession } from '../sessions/open-session.ts';
import { createResolveIdentity } from '../sessions/resolve-identity.ts';
import { createResumeSession } from '../sessions/resume-session.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases that authenticate callers and manage API keys and sessions. */
export function createCallers(ports: BrokerPorts, settings: BrokerSettings) {
  const { apiKeys: store, recallApiKey, noteKeyUse: noteUse, workloadTokens, tokens, newId, clock, sleep } = ports;
  const { bootstrapKey } = settings;
  const authenticateCaller = createAuthenticateCaller({
    findApiKey: store.find,
    recallApiKey,
    noteUse,
    workloadTokens,
    tokens,
    bootstrapKey,
    clock,
    sleep,
  });
  return {
    authenticateCaller,
    createApiKey: createCreateApiKey({ store, tokens, newId, clock }),
    listApiKeys: createListApiKeys({ store }),
    revokeApiKey: createRevokeApiKey({ store, clock }),
    ...createSessions(ports, settings, authenticateCaller),
  };
}

function createSessions(
  { consoleSessions: sessions, apiKeys, noteKeyUse: noteUse, tokens, clock, onBackgroundError }: BrokerPorts,
  { bootstrapKey, consoleRoles }: BrokerSettings,
  authenticateCaller: AuthenticateCaller,
) {
  const rights = { findApiKey: apiKeys.find, noteUse, bootstrapKey, consoleRoles, tokens, clock };
  const resolveIdentity = createResolveIdentity(rights);
  return {
    openSession: createOpenSession({ sessions, authenticateCaller, bootstrapKey, consoleRoles, tokens, clock }),
    resumeSession: createResumeSession({ sessions, resolveIdentity, tokens, clock, onBackgroundError }),
    endSession: createEndSession({ sessions, tokens, clock }),
    endAllSessions: createEndAllSessions({ sessions, clock }),
    listSessions: createListSessions({ sessions, tokens, clock }),
  };
}
