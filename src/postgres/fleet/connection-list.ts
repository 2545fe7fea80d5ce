import { type Kysely, type RawBuilder, sql } from 'kysely';
import { type Scope, scopeOf } from '../../domain/callers/scope.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import type { ConnectionSelection, FleetReader } from '../../domain/ports/fleet.ts';
import { recordsAsOwner } from '../connections/connection-records.ts';
import { readRecords } from '../connections/read-records.ts';
import { seenByOwner } from '../connections/seen-status.ts';
import { isUuid } from '../driver/uuid.ts';
import type { Tables } from '../tables.ts';
import { containsText, ownersOf, segmentsOf } from './facts.ts';
import type { OrderColumn, Path } from './path.ts';
import { readPosition } from './position.ts';
import { readPage } from './read-page.ts';
import { isWithin } from './within-reach.ts';

export function createConnectionList(db: Kysely<Tables>): Pick<FleetReader, 'listConnections' | 'findConnection'> {
  async function readAsOwner(ids: readonly string[], condition?: RawBuilder<boolean>): Promise<ConnectionRecord[]> {
    if (ids.length === 0) return [];
    const records = await readRecords(db, (await recordsAsOwner(ids, condition).execute(db)).rows);
    const found = new Map(records.map((record) => [record.connection.id, record]));
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  return {
    async listConnections(selection, { limit, cursor }) {
      const from = cursor === undefined ? undefined : readPosition(cursor);
      const path = pathOf(selection, scopeOf(selection.reach, selection.organizationId));
      const { ids, nextCursor } = await readPage(db, path, from, limit);
      return { records: await readAsOwner(ids), nextCursor };
    },

    async findConnection(id, reach) {
      return isUuid(id) ? (await readAsOwner([id], isWithin(reach, sql`c.organization_id`)))[0] : undefined;
    },
  };
}

const column = (name: string): RawBuilder<unknown> => sql.ref(`item.${name}`);
const text = (name: string): OrderColumn => ({ expression: column(name), isInstant: false });
const owner = sql`coalesce(item.organization_id, '')`;
const provider = column('provider');

/** Joins the row by its key. `seenByOwner` reads its columns too. */
const joinConnection = sql`cross join lateral (
  select id, organization_id, name, flow, description from connections where connections.id = item.id limit 1) as c`;

function pathOf(selection: ConnectionSelection, scope: Scope): Path {
  const { status, flow, q } = selection;
  // The status of a connection comes from a grant or an authorization, and from the clock: no index holds it.
  const seen = status === undefined ? [] : [seenByOwner];
  const conditions = [
    ...(scope.kind === 'organized' ? [sql`c.organization_id is not null`] : []),
    ...(status === undefined ? [] : [sql`v.status = ${status}`]),
    ...(flow === undefined ? [] : [sql`c.flow = ${flow}`]),
    ...(q === undefined ? [] : [containsText([sql`c.name`, sql`c.description`], q)]),
  ];
  const owners = ownersOf(scope);
  const providers = selection.provider === undefined ? [] : [{ of: provider, values: [selection.provider] }];
  return {
    name: 'connections',
    table: sql`connections as item`,
    id: column('id'),
    segments: segmentsOf(owners === undefined ? providers : [{ of: owner, values: owners }, ...providers]),
    order: owners === undefined ? [] : providers.length > 0 ? [text('name')] : [text('provider'), text('name')],
    residual: {
      joins: conditions.length === 0 ? [] : [joinConnection, ...seen],
      conditions,
    },
  };
}
