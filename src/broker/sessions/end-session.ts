import type { Trace } from '../../domain/callers/caller.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import type { ResumedSession } from './resume-session.ts';
import { identityDetails, sessionEvent } from './session-event.ts';

/** Ends the session of a request. Does nothing if it has ended. Throws service_unavailable. */
export type EndSession = (id: Secret, by: Pick<ResumedSession, 'caller'>, trace: Trace) => Promise<void>;

export interface EndSessionDeps {
  sessions: Pick<ConsoleSessions, 'end'>;
  tokens: Pick<Tokens, 'sha256'>;
  clock: () => Date;
}

export function createEndSession({ sessions, tokens, clock }: EndSessionDeps): EndSession {
  return async (id, { caller }, trace) => {
    await sessions.end(tokens.sha256(id.reveal()), ({ identity }) => {
      const details = { ...identityDetails(identity), reason: 'signed_out' };
      return sessionEvent({ action: 'session.ended', actor: caller.id, caller, details }, trace, clock());
    });
  };
}
