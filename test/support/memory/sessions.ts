import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { Session } from '../../../src/domain/callers/session.ts';
import type { ConsoleSessions } from '../../../src/domain/ports/callers.ts';

export interface MemorySessions extends ConsoleSessions {
  /** Rows by the hash of their id, as text. */
  rows: Map<string, Session>;
  audit: AuditEvent[];
}

export function createMemorySessions(): MemorySessions {
  const rows = new Map<string, Session>();
  const audit: AuditEvent[] = [];
  const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex');
  const remove = (sessions: readonly Session[]) => {
    for (const { idHash } of sessions) rows.delete(keyOf(idHash));
    return sessions.length;
  };
  const latestFirst = () => [...rows.values()].toSorted((a, b) => b.lastSeenAt.getTime() - a.lastSeenAt.getTime());
  const of = (callerId: string) => latestFirst().filter((session) => session.callerId === callerId);
  return {
    rows,
    audit,
    create: async (session, event, kept) => {
      rows.set(keyOf(session.idHash), session);
      remove(of(session.callerId).slice(kept));
      audit.push(event);
    },
    find: async (idHash) => rows.get(keyOf(idHash)),
    touch: async (idHash, now) => {
      const session = rows.get(keyOf(idHash));
      if (session !== undefined && session.lastSeenAt < now) rows.set(keyOf(idHash), { ...session, lastSeenAt: now });
    },
    end: async (idHash, eventOf) => {
      const session = rows.get(keyOf(idHash));
      if (session === undefined) return false;
      remove([session]);
      audit.push(eventOf(session));
      return true;
    },
    endAllOf: async (callerId, eventOf) => {
      const ended = remove(of(callerId));
      if (ended > 0) audit.push(eventOf(ended));
      return ended;
    },
    listOf: async (callerId, limit) => of(callerId).slice(0, limit),
    removeIdle: async (before, limit) => {
      const idle = latestFirst().filter(({ lastSeenAt }) => lastSeenAt < before);
      return remove(idle.slice(-limit));
    },
    refuse: async (event) => void audit.push(event),
  };
}
