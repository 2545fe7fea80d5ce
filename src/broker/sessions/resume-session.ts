import type { Caller, Trace } from '../../domain/callers/caller.ts';
import { isOver, needsTouch, type Session } from '../../domain/callers/session.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import type { ResolveIdentity } from './resolve-identity.ts';
import { identityDetails, sessionEvent } from './session-event.ts';

export interface ResumedSession {
  caller: Caller;
  session: Session;
}

export interface ResumeOptions {
  /** False for a request that a page sends by itself: it does not keep the session from becoming idle. Defaults to true. */
  isActivity?: boolean;
}

/**
 * Finds the session of a request and the rights that its identity has now. Undefined if there is no such session, or it
 * is over. A session whose identity has lost its rights ends for good. Throws service_unavailable.
 */
export type ResumeSession = (id: Secret, trace: Trace, options?: ResumeOptions) => Promise<ResumedSession | undefined>;

export interface ResumeSessionDeps {
  sessions: Pick<ConsoleSessions, 'find' | 'touch' | 'end'>;
  resolveIdentity: ResolveIdentity;
  tokens: Pick<Tokens, 'sha256'>;
  clock: () => Date;
  onBackgroundError: (error: unknown) => void;
}

export function createResumeSession(deps: ResumeSessionDeps): ResumeSession {
  const { sessions, resolveIdentity, tokens, clock, onBackgroundError } = deps;
  return async (id, trace, { isActivity = true } = {}) => {
    const idHash = tokens.sha256(id.reveal());
    const session = await sessions.find(idHash);
    const now = clock();
    // Maintenance removes the row.
    if (session === undefined || isOver(session, now)) return undefined;
    const caller = await resolveIdentity(id, session);
    if (caller === undefined) {
      await sessions.end(idHash, ({ callerId, identity }) => {
        const details = { ...identityDetails(identity), caller_id: callerId, reason: 'right_ended' };
        return sessionEvent({ action: 'session.ended', actor: 'broker', caller: null, details }, trace, now);
      });
      return undefined;
    }
    // A page that can be read is worth more than the time of the last request.
    if (isActivity && needsTouch(session, now)) await sessions.touch(idHash, now).catch(onBackgroundError);
    return { caller, session };
  };
}
