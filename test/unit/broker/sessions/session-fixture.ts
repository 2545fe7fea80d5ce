import { createAuthenticateCaller } from '../../../../src/broker/callers/authenticate-caller.ts';
import { createEndAllSessions } from '../../../../src/broker/sessions/end-all-sessions.ts';
import { createEndSession } from '../../../../src/broker/sessions/end-session.ts';
import { createListSessions } from '../../../../src/broker/sessions/list-sessions.ts';
import { createOpenSession } from '../../../../src/broker/sessions/open-session.ts';
import { createResolveIdentity } from '../../../../src/broker/sessions/resolve-identity.ts';
import { createResumeSession } from '../../../../src/broker/sessions/resume-session.ts';
import { createTokens } from '../../../../src/crypto/tokens.ts';
import type { ApiKey } from '../../../../src/domain/callers/api-key.ts';
import type { Caller } from '../../../../src/domain/callers/caller.ts';
import type { ConsoleRole } from '../../../../src/domain/callers/console-role.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { createMemoryApiKeys } from '../../../support/memory/api-keys.ts';
import { createMemorySessions } from '../../../support/memory/sessions.ts';

const tokens = createTokens();
const keySecret = 'r'.repeat(43);
export const adminKey = new Secret('a bootstrap key of thirty-two characters');
export const trace = { requestId: 'r-1', address: '192.0.2.1' };
export const signInTrace = { ...trace, agent: 'Browser/1' };
export const person = { issuer: 'https://id.test', subject: 'ada', name: 'Ada', roles: ['support-eu'] };
export const keyBearer = new Secret(`tb_k_${keySecret}`);
export const workloadBearer = new Secret('header.payload.signature');

export function aRole(value: string, changes: Partial<ConsoleRole> = {}): ConsoleRole {
  const rest = { organizations: ['acme'], global: false, connections: null, rateLimitPerMinute: null };
  return { value, permissions: ['admin:read'], ...rest, ...changes };
}

export function aKey(changes: Partial<ApiKey> = {}): ApiKey {
  return {
    ...{ id: 'k', name: 'k', secretHash: tokens.sha256(keySecret), permissions: ['admin:read'], connections: null },
    ...{ organizations: ['acme'], global: false, createdBy: 'bootstrap', createdAt: new Date(), expiresAt: null },
    ...{ rateLimitPerMinute: null, lastUsedAt: null, revokedAt: null },
    ...changes,
  };
}

/** Sessions over memory, which several processes with settings of their own may share. */
export function setUp() {
  const sessions = createMemorySessions();
  const apiKeys = createMemoryApiKeys();
  apiKeys.rows.set('k', aKey());
  const time = { now: new Date('2030-01-01T00:00:00Z') };
  const used: string[] = [];
  const errors: unknown[] = [];
  const touches: Date[] = [];
  const clock = () => time.now;
  const noteUse = (id: string) => void used.push(id);
  const workload: Caller = { ...aKey(), id: 'workload:https://ci.test#job', name: 'job' };
  const touch = async (idHash: Uint8Array, now: Date) => {
    touches.push(now);
    await sessions.touch(idHash, now);
  };

  function process(
    bootstrapKey: Secret | null = adminKey,
    consoleRoles: readonly ConsoleRole[] = [aRole('support-*')],
  ) {
    const rights = { findApiKey: apiKeys.find, noteUse, bootstrapKey, consoleRoles, tokens, clock };
    const authenticateCaller = createAuthenticateCaller({
      ...rights,
      recallApiKey: () => undefined,
      workloadTokens: {
        recall: () => undefined,
        verify: async (bearer) => (bearer.reveal() === workloadBearer.reveal() ? workload : undefined),
      },
      sleep: () => new Promise(() => undefined),
    });
    const resolveIdentity = createResolveIdentity(rights);
    const resuming = { ...sessions, touch };
    const onBackgroundError = (error: unknown) => void errors.push(error);
    return {
      openSession: createOpenSession({ sessions, authenticateCaller, bootstrapKey, consoleRoles, tokens, clock }),
      resumeSession: createResumeSession({ sessions: resuming, resolveIdentity, tokens, clock, onBackgroundError }),
      endSession: createEndSession({ sessions, tokens, clock }),
      endAllSessions: createEndAllSessions({ sessions, clock }),
      listSessions: createListSessions({ sessions, tokens, clock }),
    };
  }

  const pass = (minutes: number) => {
    time.now = new Date(time.now.getTime() + minutes * 60_000);
  };
  return { ...process(), process, sessions, apiKeys, time, pass, used, errors, touches };
}
