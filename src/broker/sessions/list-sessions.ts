import type { Caller } from '../../domain/callers/caller.ts';
import { isOver, maxSessionsOfCaller, type Session } from '../../domain/callers/session.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';

/** A session as its caller sees it. */
export interface SessionView extends Pick<Session, 'createdAt' | 'lastSeenAt' | 'address' | 'agent'> {
  /** True for the session that asks. */
  isCurrent: boolean;
}

/** Lists the sessions of the caller, the latest request first. `current` is the id of the session that asks. */
export type ListSessions = (caller: Caller, current: Secret) => Promise<SessionView[]>;

export interface ListSessionsDeps {
  sessions: Pick<ConsoleSessions, 'listOf'>;
  tokens: Pick<Tokens, 'sha256' | 'equal'>;
  clock: () => Date;
}

export function createListSessions({ sessions, tokens, clock }: ListSessionsDeps): ListSessions {
  return async (caller, current) => {
    const hash = tokens.sha256(current.reveal());
    const found = await sessions.listOf(caller.id, maxSessionsOfCaller);
    const now = clock();
    return found
      .filter((session) => !isOver(session, now))
      .map(({ idHash, createdAt, lastSeenAt, address, agent }) => {
        return { createdAt, lastSeenAt, address, agent, isCurrent: tokens.equal(idHash, hash) };
      });
  };
}
