import type { Kysely } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type {
  ConnectionFilter,
  ConnectionPage,
  ConnectionReader,
  ConnectionRecord,
  ConnectionWriter,
} from '../domain/ports/stores.ts';
import type { Announce } from './announcing-transaction.ts';
import { channels } from './channels.ts';
import { readCursor, writeCursor } from './connection-cursor.ts';
import { countRecords, type RecordRow, recordByName, recordPage } from './connection-records.ts';
import { editableColumns, fromConnection, toConnection } from './connection-rows.ts';
import { isUniqueViolation } from './failures.ts';
import { toGrant } from './grant-rows.ts';
import { sameAs } from './null-safe.ts';
import type { Tables } from './tables.ts';

export function createConnectionReader(db: Kysely<Tables>, organizationId: OrganizationId): ConnectionReader {
  async function toRecords(rows: RecordRow[]): Promise<ConnectionRecord[]> {
    const ids = rows.flatMap((row) => row.served_grant_id ?? []);
    const grants = new Map<string, Grant>();
    if (ids.length > 0) {
      // Ids out of a query of this organisation: its own grants, and shared ones it is served from.
      const served = await db.selectFrom('grants').selectAll().where('id', 'in', ids).execute();
      for (const row of served) grants.set(row.id, toGrant(row));
    }
    return rows.map((row) => ({
      connection: toConnection(row),
      status: row.seen_status,
      statusReason: row.seen_reason,
      statusMessage: row.seen_message,
      served: grants.get(row.served_grant_id ?? '') ?? null,
      shadowed: row.shadowed,
    }));
  }

  async function findByName(name: string, includeGlobal: boolean): Promise<ConnectionRecord | undefined> {
    const { rows } = await recordByName(organizationId, name, includeGlobal).execute(db);
    return (await toRecords(rows))[0];
  }

  async function list(filter: ConnectionFilter): Promise<ConnectionPage> {
    const after = filter.cursor === undefined ? undefined : readCursor(filter.cursor);
    const { rows } = await recordPage(organizationId, filter, after).execute(db);
    const page = rows.slice(0, filter.limit);
    const last = page.at(-1);
    // A page past the end has no row to carry the count.
    const count = last?.total ?? (await countRecords(organizationId, filter).execute(db)).rows[0]?.total ?? 0;
    return {
      records: await toRecords(page),
      count,
      nextCursor: last !== undefined && rows.length > page.length ? writeCursor(last) : null,
    };
  }

  return { find: (name) => findByName(name, true), findOwn: (name) => findByName(name, false), list };
}

export function createConnectionWriter(
  db: Kysely<Tables>,
  announce: Announce,
  organizationId: OrganizationId,
): ConnectionWriter {
  const tell = (id: string, name: string) =>
    announce(channels.connectionChanged, {
      connection_id: id,
      organization_id: organizationId,
      connection_name: name,
    });

  return {
    ...createConnectionReader(db, organizationId),

    async lockOwn(name) {
      const row = await db
        .selectFrom('connections')
        .selectAll()
        .where('organization_id', sameAs(organizationId), organizationId)
        .where('name', '=', name)
        .forUpdate()
        .executeTakeFirst();
      return row && toConnection(row);
    },

    async lockForUse(id) {
      const row = await db
        .selectFrom('connections')
        .selectAll()
        .where('id', '=', id)
        .where((eb) =>
          eb.or([eb('organization_id', sameAs(organizationId), organizationId), eb('organization_id', 'is', null)]),
        )
        .forShare()
        .executeTakeFirst();
      return row && toConnection(row);
    },

    async insert(connection) {
      try {
        await db
          .insertInto('connections')
          .values({ ...fromConnection(connection), organization_id: organizationId })
          .execute();
      } catch (error) {
        if (!isUniqueViolation(error, 'connections_name')) throw error;
        throw BrokerError.of('connection_exists', `A connection named ${connection.name} exists already.`);
      }
      await tell(connection.id, connection.name);
    },

    async update(connection) {
      await db
        .updateTable('connections')
        .set(editableColumns(connection))
        .where('id', '=', connection.id)
        .where('organization_id', sameAs(organizationId), organizationId)
        .execute();
      await tell(connection.id, connection.name);
    },

    async delete(id) {
      const deleted = await db
        .deleteFrom('connections')
        .where('id', '=', id)
        .where('organization_id', sameAs(organizationId), organizationId)
        .returning('name')
        .executeTakeFirst();
      if (deleted !== undefined) await tell(id, deleted.name);
    },
  };
}
