import type { Kysely, Selectable, SelectQueryBuilder } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import type { GrantSlot } from '../domain/grant.ts';
import type { GrantReader } from '../domain/ports/stores.ts';
import { toGrant } from './grant-rows.ts';
import { sameAs } from './null-safe.ts';
import type { GrantsTable, Tables } from './tables.ts';

/** Grants of one organisation and subject; of every account where none is named. */
export function matchingGrants(
  db: Kysely<Tables>,
  organizationId: OrganizationId,
  { connectionId, subject, accountId }: Omit<GrantSlot, 'organizationId'>,
): SelectQueryBuilder<Tables, 'grants', Selectable<GrantsTable>> {
  const query = db
    .selectFrom('grants')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('organization_id', sameAs(organizationId), organizationId)
    .where('subject', sameAs(subject), subject)
    .orderBy('created_at')
    .orderBy('id');
  return accountId === null ? query : query.where('account_id', '=', accountId);
}

export function createGrantReader(db: Kysely<Tables>, organizationId: OrganizationId): GrantReader {
  return {
    async list(connectionId) {
      const rows = await db
        .selectFrom('grants')
        .selectAll()
        .where('connection_id', '=', connectionId)
        .where('organization_id', sameAs(organizationId), organizationId)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(toGrant);
    },

    async findSlot(slot) {
      const [first, second] = await matchingGrants(db, organizationId, slot).limit(2).execute();
      return first === undefined || second !== undefined ? undefined : toGrant(first);
    },
  };
}
