import { type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { Grant, GrantSlot } from '../../domain/grants/grant.ts';
import type { GrantFilter, GrantReader } from '../../domain/ports/grants.ts';
import { readTimeCursor, type TimeCursor, writeTimeCursor } from '../driver/cursor.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { isUuid } from '../driver/uuid.ts';
import type { Tables } from '../tables.ts';
import { type GrantRow, grantColumns, toGrant } from './grant-rows.ts';

/**
 * Selects the grants of one organisation and subject, in the order of the index of slots, so that a limit bounds the
 * rows that are read. A null account matches every account.
 */
export function matchingGrants(
  db: Kysely<Tables>,
  organizationId: OrganizationId,
  { connectionId, subject, accountId }: Omit<GrantSlot, 'organizationId'>,
): SelectQueryBuilder<Tables, 'grants', GrantRow> {
  const query = db
    .selectFrom('grants')
    .select(grantColumns)
    .where('connection_id', '=', connectionId)
    .where('organization_id', isNullOrEqual(organizationId), organizationId)
    .where('subject', isNullOrEqual(subject), subject)
    .orderBy('organization_id')
    .orderBy('subject')
    .orderBy('slot_account_id');
  return accountId === null ? query : query.where(inSlotOf(accountId)).where('account_id', '=', accountId);
}

/** Limits a statement to the index entries of slots that may hold the account. */
export function inSlotOf(accountId: string | null): RawBuilder<boolean> {
  return accountId === null
    ? sql<boolean>`slot_account_id is null`
    : sql<boolean>`(slot_account_id = ${accountId} or slot_account_id is null)`;
}

function conditionsOf({ status, subject, q }: GrantFilter): RawBuilder<boolean>[] {
  return [
    ...(status === undefined ? [] : [sql<boolean>`status = ${status}`]),
    ...(subject === undefined ? [] : [sql<boolean>`subject = ${subject}`]),
    ...(q === undefined
      ? []
      : [sql<boolean>`(${contains('subject', q)} or ${contains('account_id', q)} or ${contains('account_name', q)})`]),
  ];
}

function contains(column: string, text: string): RawBuilder<boolean> {
  return sql<boolean>`coalesce(strpos(lower(${sql.ref(column)}), lower(${text})) > 0, false)`;
}

/** Expression of the index `grants_listed`, which serves the list. */
const listedOwner = sql`coalesce(organization_id, '')`;

function isBeyond({ at, id }: TimeCursor): RawBuilder<boolean> {
  return sql<boolean>`(created_at, id) > (${at}::timestamptz, ${id}::uuid)`;
}

export function createGrantReader(db: Kysely<Tables>, organizationId: OrganizationId): GrantReader {
  async function findMatching(slot: Omit<GrantSlot, 'organizationId'>, limit: number): Promise<Grant[]> {
    const rows = await matchingGrants(db, organizationId, slot).limit(limit).execute();
    return rows.map(toGrant);
  }

  return {
    async list(connectionId, filter) {
      const { cursor, limit } = filter;
      const rows = await db
        .selectFrom('grants')
        .select(grantColumns)
        .where('connection_id', '=', connectionId)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .where(sql<boolean>`${listedOwner} = ${organizationId ?? ''}`)
        .where((eb) => eb.and(conditionsOf(filter)))
        .$if(cursor !== undefined, (query) => query.where(isBeyond(readTimeCursor(cursor ?? '', isUuid))))
        // The whole order of the index: under a row policy, Postgres would sort what an equal expression leaves out.
        .orderBy('grants.connection_id')
        .orderBy(listedOwner)
        .orderBy('grants.created_at')
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        grants: page.map(toGrant),
        nextCursor:
          last !== undefined && rows.length > page.length
            ? writeTimeCursor({ at: last.created_at, id: last.id })
            : null,
      };
    },

    async find(connectionId, id) {
      if (!isUuid(id)) return undefined;
      const row = await db
        .selectFrom('grants')
        .select(grantColumns)
        .where('id', '=', id)
        .where('connection_id', '=', connectionId)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .executeTakeFirst();
      return row && toGrant(row);
    },

    findMatching,

    async findSlot(slot) {
      const [first, second] = await findMatching(slot, 2);
      return second === undefined ? first : undefined;
    },
  };
}
