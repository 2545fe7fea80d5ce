import { type Kysely, sql } from 'kysely';
import type { StoredAuditEvent } from '../../domain/audit.ts';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { AuditReader } from '../../domain/ports/audit.ts';
import { instant } from '../columns.ts';
import { readTimeCursor, type TimeCursor, writeTimeCursor } from '../driver/cursor.ts';
import type { Tables } from '../tables.ts';
import { type AuditQuery, auditQuery, type Snapshot } from './audit-query.ts';

/** Events of one piece of an export, about half a megabyte. A larger piece holds a connection of the pool for longer. */
const pieceSize = 1_000;

export function createAuditReader({ db, pieceOf = pieceSize }: { db: Kysely<Tables>; pieceOf?: number }): AuditReader {
  async function read(query: AuditQuery): Promise<StoredAuditEvent[]> {
    const text = auditQuery(query);
    return text === null ? [] : (await text.execute(db)).rows;
  }

  return {
    async list(filter, { limit, cursor }) {
      const after = cursor === undefined ? undefined : readTimeCursor(cursor, isEventId);
      const scope = scopeOf(filter.reach, filter.organizationId);
      const events = await read({ filter, scope, after, limit: limit + 1 });
      const page = events.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = events.length > limit && last !== undefined ? writeTimeCursor(cursorOf(last)) : null;
      return { events: page, nextCursor };
    },

    async *export(filter) {
      const seenIn = await readSnapshot(db);
      const scope = scopeOf(filter.reach, filter.organizationId);
      let after: TimeCursor | undefined;
      for (;;) {
        const events = await read({ filter, scope, after, seenIn, limit: pieceOf });
        if (events.length > 0) yield events;
        const last = events.at(-1);
        if (last === undefined || events.length < pieceOf) return;
        after = cursorOf(last);
      }
    },
  };
}

/** A bigint without a sign. */
const isEventId = (id: string) => /^\d{1,18}$/.test(id);

function cursorOf({ time, id }: StoredAuditEvent): TimeCursor {
  return { at: time, id };
}

async function readSnapshot(db: Kysely<Tables>): Promise<Snapshot> {
  const { rows } = await sql<Snapshot>`
    select pg_current_snapshot()::text as text, ${instant(sql`clock_timestamp()`)} as at`.execute(db);
  const [snapshot] = rows;
  if (snapshot === undefined) throw new Error('the database returned no snapshot');
  return snapshot;
}
