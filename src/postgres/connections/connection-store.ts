import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type {
  ConnectionFilter,
  ConnectionPage,
  ConnectionReader,
  ConnectionRecord,
  ConnectionWriter,
} from '../../domain/ports/connections.ts';
import { isUniqueViolation } from '../driver/failures.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { channels } from '../notify/channels.ts';
import type { Notify } from '../notify/notifying-transaction.ts';
import type { Tables } from '../tables.ts';
import { readConnectionCursor, writeConnectionCursor } from './connection-cursor.ts';
import { countRecords, recordByName, recordPage } from './connection-records.ts';
import { connectionColumns, editableColumns, fromConnection, toConnection } from './connection-rows.ts';
import { keepOpenAuthorizations } from './deleted-authorizations.ts';
import { readRecords } from './read-records.ts';

/** First key of the advisory lock: an arbitrary number that no other lock in the database uses. */
const applicationLock = 720_311_746;

export function createConnectionReader(db: Kysely<Tables>, organizationId: OrganizationId): ConnectionReader {
  async function findByName(name: string, includeGlobal: boolean): Promise<ConnectionRecord | undefined> {
    const { rows } = await recordByName(organizationId, name, includeGlobal).execute(db);
    return (await readRecords(db, rows))[0];
  }

  async function list(filter: ConnectionFilter): Promise<ConnectionPage> {
    const after = filter.cursor === undefined ? undefined : readConnectionCursor(filter.cursor);
    const { rows } = await recordPage(organizationId, filter, after).execute(db);
    const page = rows.slice(0, filter.limit);
    const last = page.at(-1);
    // A page past the end has no row to carry the count.
    const count = last?.total ?? (await countRecords(organizationId, filter).execute(db)).rows[0]?.total ?? 0;
    return {
      records: await readRecords(db, page),
      count,
      nextCursor: last !== undefined && rows.length > page.length ? writeConnectionCursor(last) : null,
    };
  }

  return { find: (name) => findByName(name, true), findOwn: (name) => findByName(name, false), list };
}

export function createConnectionWriter(
  db: Kysely<Tables>,
  notify: Notify,
  organizationId: OrganizationId,
): ConnectionWriter {
  const notifyChanged = (id: string, name: string) =>
    notify(channels.connectionChanged, {
      connection_id: id,
      organization_id: organizationId,
      connection_name: name,
    });

  return {
    ...createConnectionReader(db, organizationId),

    async queueApplication() {
      // A lock with two keys never meets one with a single key. Two organisations with one hash wait for each other.
      const owner = organizationId ?? '';
      await sql`select pg_advisory_xact_lock(${applicationLock}::int, hashtext(${owner}))`.execute(db);
    },

    async lockOwn(name) {
      const row = await db
        .selectFrom('connections')
        .select(connectionColumns)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .where('name', '=', name)
        .forUpdate()
        .executeTakeFirst();
      return row && toConnection(row);
    },

    async lockForUse(id) {
      const row = await db
        .selectFrom('connections')
        .select(connectionColumns)
        .where('id', '=', id)
        .where((eb) =>
          eb.or([
            eb('organization_id', isNullOrEqual(organizationId), organizationId),
            eb('organization_id', 'is', null),
          ]),
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
      await notifyChanged(connection.id, connection.name);
    },

    async update(connection) {
      await db
        .updateTable('connections')
        .set(editableColumns(connection))
        .where('id', '=', connection.id)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .execute();
      // An edit may have mended the client, so its refusals count no more.
      await db
        .deleteFrom('client_refusals')
        .where('connection_id', 'in', (eb) =>
          eb
            .selectFrom('connections')
            .select('id')
            .where('id', '=', connection.id)
            .where('organization_id', isNullOrEqual(organizationId), organizationId),
        )
        .execute();
      await notifyChanged(connection.id, connection.name);
    },

    async delete(id) {
      await keepOpenAuthorizations(db, id, organizationId);
      const deleted = await db
        .deleteFrom('connections')
        .where('id', '=', id)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .returning('name')
        .executeTakeFirst();
      if (deleted !== undefined) await notifyChanged(id, deleted.name);
    },
  };
}
