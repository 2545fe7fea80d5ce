import { idleBefore } from '../../domain/callers/session.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';

/** Removes sessions of the console that are over. Returns their number. */
export type RemoveEndedSessions = () => Promise<number>;

export interface RemoveEndedSessionsDeps {
  sessions: Pick<ConsoleSessions, 'removeIdle'>;
  clock: () => Date;
}

/** Sessions of one run, so that its statement stays short. The next run, a minute later, takes the rest. */
const maxRemoved = 1_000;

export function createRemoveEndedSessions({ sessions, clock }: RemoveEndedSessionsDeps): RemoveEndedSessions {
  return () => sessions.removeIdle(idleBefore(clock()), maxRemoved);
}
