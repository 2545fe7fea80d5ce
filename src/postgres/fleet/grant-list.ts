import { type Kysely, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { FleetGrant, FleetReader, GrantSelection } from '../../domain/ports/fleet.ts';
import { connectionColumns, toConnection } from '../connections/connection-rows.ts';
import { isUuid } from '../driver/uuid.ts';
import { grantColumns, toGrant } from '../grants/grant-rows.ts';
import type { Tables } from '../tables.ts';
import { areBroken, factsOf } from './facts.ts';
import { type DateColumn, pathOfDate, pathOfFacts } from './grant-path.ts';
import type { Path, Position } from './path.ts';
import { readPosition } from './position.ts';
import { readPage } from './read-page.ts';
import { isWithin } from './within-reach.ts';

/** Grants before a date, up to which the index of the date is read in place of that of another filter. */
const fewByDate = 1_000;

export function createGrantList(db: Kysely<Tables>): Pick<FleetReader, 'listGrants' | 'findGrant'> {
  return {
    async listGrants(selection, { limit, cursor }) {
      const from = cursor === undefined ? undefined : readPosition(cursor);
      const path = await choosePath(db, selection, from);
      if (path === null) return { grants: [], nextCursor: null };
      const { ids, nextCursor } = await readPage(db, path, from, limit);
      return { grants: await readGrants(db, ids), nextCursor };
    },

    async findGrant(id, reach) {
      return isUuid(id) ? (await readGrants(db, [id], isWithin(reach, sql.ref('organization_id'))))[0] : undefined;
    },
  };
}

/** Chooses the index that leaves the fewest rows to read. Later pages keep the path of the first. */
async function choosePath(
  db: Kysely<Tables>,
  selection: GrantSelection,
  from: Position | undefined,
): Promise<Path | null> {
  const scope = scopeOf(selection.reach, selection.organizationId);
  const facts = factsOf(selection, scope);
  if (facts === null) return null;
  const dates: [DateColumn, Date | undefined][] = [
    ['expires_at', selection.expiresBefore],
    ['refresh_expires_at', selection.refreshExpiresBefore],
  ];
  const { owner, connection_name, provider } = facts;
  const isNarrowed = [owner, connection_name, provider].some((values) => values !== undefined) || areBroken(facts);
  for (const [column, before] of dates) {
    if (before === undefined) continue;
    const isChosen =
      from === undefined ? !isNarrowed || (await areFewBefore(db, column, before)) : from.path === column;
    if (isChosen) return pathOfDate(column, before, facts, selection, scope);
  }
  return pathOfFacts(facts, selection, scope);
}

async function areFewBefore(db: Kysely<Tables>, column: DateColumn, before: Date): Promise<boolean> {
  const date = sql.ref(column);
  const range = sql`${date} is not null and ${date} < ${before}::timestamptz`;
  const limit = sql`order by ${date}, id limit ${fewByDate + 1}`;
  const { rows } = await sql<{ few: boolean }>`
    select count(*) <= ${fewByDate} as few from (
      (select id from grants where ${range} and status = 'completed' and refreshable ${limit})
      union all
      (select id from grants where ${range} and (status <> 'completed' or not refreshable) ${limit})
    ) as found`.execute(db);
  return rows[0]?.few ?? false;
}

/** Reads grants with their connections, in the order of the ids. A grant that was deleted meanwhile is left out. */
async function readGrants(
  db: Kysely<Tables>,
  ids: readonly string[],
  condition = sql<boolean>`true`,
): Promise<FleetGrant[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom('grants').select(grantColumns).where('id', 'in', ids).where(condition).execute();
  const connectionIds = [...new Set(rows.map((row) => row.connection_id))];
  if (connectionIds.length === 0) return [];
  const connections = new Map<string, Connection>();
  for (const row of await db
    .selectFrom('connections')
    .select(connectionColumns)
    .where('id', 'in', connectionIds)
    .execute()) {
    connections.set(row.id, toConnection(row));
  }
  const grants = new Map(rows.map((row) => [row.id, toGrant(row)]));
  return ids.flatMap((id) => {
    const grant = grants.get(id);
    const connection = grant && connections.get(grant.connectionId);
    return grant === undefined || connection === undefined ? [] : [{ grant, connection }];
  });
}
