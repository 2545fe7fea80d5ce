import type { Caller, Trace } from '../../domain/callers/caller.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import { sessionEvent } from './session-event.ts';

/** Ends every session of the caller, also the one that asks. Returns their number. Throws service_unavailable. */
export type EndAllSessions = (caller: Caller, trace: Trace) => Promise<number>;

export interface EndAllSessionsDeps {
  sessions: Pick<ConsoleSessions, 'endAllOf'>;
  clock: () => Date;
}

export function createEndAllSessions({ sessions, clock }: EndAllSessionsDeps): EndAllSessions {
  return (caller, trace) =>
    sessions.endAllOf(caller.id, (ended) => {
      const details = { reason: 'signed_out_everywhere', sessions: ended };
      return sessionEvent({ action: 'session.ended', actor: caller.id, caller, details }, trace, clock());
    });
}
