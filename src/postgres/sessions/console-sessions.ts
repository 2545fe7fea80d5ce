import { type Insertable, type Kysely, type Selectable, sql } from 'kysely';
import type { Session } from '../../domain/callers/session.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import { Secret } from '../../domain/secret.ts';
import { appendAuditEvent } from '../audit-log.ts';
import type { ConsoleSessionsTable } from '../key-tables.ts';
import type { Tables } from '../tables.ts';

const columns = [
  'id_hash',
  'identity',
  'caller_id',
  'csrf_secret',
  'created_at',
  'last_seen_at',
  'address',
  'agent',
] as const satisfies readonly (keyof ConsoleSessionsTable)[];

export function createConsoleSessions({ db }: { db: Kysely<Tables> }): ConsoleSessions {
  return {
    async create(session, event, kept) {
      await db.transaction().execute(async (transaction) => {
        await transaction.insertInto('console_sessions').values(toRow(session)).execute();
        await removeOlder(transaction, session.callerId, kept);
        await appendAuditEvent(transaction, event);
      });
    },

    async find(idHash) {
      const row = await db
        .selectFrom('console_sessions')
        .select(columns)
        .where('id_hash', '=', bytes(idHash))
        .executeTakeFirst();
      return row && toSession(row);
    },

    async touch(idHash, now) {
      await db
        .updateTable('console_sessions')
        .set({ last_seen_at: now })
        .where('id_hash', '=', bytes(idHash))
        // Requests of several processes arrive in any order.
        .where('last_seen_at', '<', now)
        .execute();
    },

    async end(idHash, eventOf) {
      return db.transaction().execute(async (transaction) => {
        const row = await transaction
          .deleteFrom('console_sessions')
          .where('id_hash', '=', bytes(idHash))
          .returning(columns)
          .executeTakeFirst();
        if (row === undefined) return false;
        await appendAuditEvent(transaction, eventOf(toSession(row)));
        return true;
      });
    },

    async endAllOf(callerId, eventOf) {
      return db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('console_sessions')
          .where('caller_id', '=', callerId)
          .executeTakeFirstOrThrow();
        const ended = Number(numDeletedRows);
        if (ended > 0) await appendAuditEvent(transaction, eventOf(ended));
        return ended;
      });
    },

    async listOf(callerId, limit) {
      const rows = await db
        .selectFrom('console_sessions')
        .select(columns)
        .where('caller_id', '=', callerId)
        .orderBy('console_sessions.last_seen_at', 'desc')
        .orderBy('id_hash')
        .limit(limit)
        .execute();
      return rows.map(toSession);
    },

    async removeIdle(before, limit) {
      const { numDeletedRows } = await db
        .deleteFrom('console_sessions')
        .where('id_hash', 'in', (eb) =>
          eb
            .selectFrom('console_sessions as idle')
            .select('idle.id_hash')
            .where('idle.last_seen_at', '<', before)
            .orderBy('idle.last_seen_at')
            .limit(limit)
            // Another process removes the rows that it has locked.
            .forUpdate()
            .skipLocked(),
        )
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },

    refuse: (event) => appendAuditEvent(db, event),
  };
}

async function removeOlder(transaction: Kysely<Tables>, callerId: string, kept: number): Promise<void> {
  await transaction
    .deleteFrom('console_sessions')
    .where('id_hash', 'in', (eb) =>
      eb
        .selectFrom('console_sessions as older')
        .select('older.id_hash')
        .where('older.caller_id', '=', callerId)
        .orderBy('older.last_seen_at', 'desc')
        .offset(kept)
        // Another sign-in of the caller removes the rows that it has locked.
        .forUpdate()
        .skipLocked(),
    )
    .execute();
}

function bytes(hash: Uint8Array) {
  return sql<Buffer>`${hash}`;
}

function toRow(session: Session): Insertable<ConsoleSessionsTable> {
  return {
    id_hash: session.idHash,
    identity: JSON.stringify(session.identity),
    caller_id: session.callerId,
    csrf_secret: session.csrfSecret.reveal(),
    created_at: session.createdAt,
    last_seen_at: session.lastSeenAt,
    address: session.address,
    agent: session.agent,
  };
}

function toSession(row: Selectable<ConsoleSessionsTable>): Session {
  return {
    idHash: row.id_hash,
    identity: row.identity,
    callerId: row.caller_id,
    csrfSecret: new Secret(row.csrf_secret),
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    address: row.address,
    agent: row.agent,
  };
}
