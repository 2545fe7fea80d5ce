import { type Kysely, type Selectable, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { Consent } from '../../domain/grants/consent.ts';
import { type ConsentReader, type ConsentWriter, maxConsentsListed } from '../../domain/ports/audit.ts';
import type { ConsentsTable } from '../audit-table.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { isUuid } from '../driver/uuid.ts';
import type { Tables } from '../tables.ts';

const consentColumns = [
  'id',
  'grant_id',
  'connection_id',
  'connection_name',
  'organization_id',
  'subject',
  'account_id',
  'account_name',
  'scopes',
  'how',
  'actor',
  'address',
  'at',
  'ended_at',
  'ended_by',
  'ended_actor',
  'replaced_by',
] as const satisfies readonly (keyof ConsentsTable)[];

export function createConsentWriter(db: Kysely<Tables>, organizationId: OrganizationId): ConsentWriter {
  const open = () => db.updateTable('consents').where('ended_at', 'is', null);
  return {
    // One statement, because an import stores many grants. The grant's row is locked, so no other consent begins meanwhile.
    async begin(consent) {
      await db
        .with('ended', () =>
          open().where('grant_id', '=', consent.grantId).set({
            ended_at: consent.at,
            ended_by: 'replaced',
            ended_actor: consent.actor,
            replaced_by: consent.id,
          }),
        )
        .insertInto('consents')
        .values({
          id: consent.id,
          grant_id: consent.grantId,
          connection_id: consent.connectionId,
          connection_name: consent.connectionName,
          organization_id: organizationId,
          subject: consent.subject,
          account_id: consent.accountId,
          account_name: consent.accountName,
          scopes: [...consent.scopes],
          how: consent.how,
          actor: consent.actor,
          address: consent.address,
          at: consent.at,
        })
        .execute();
    },

    async end(grantId, { by, actor, at }) {
      await open()
        .where('grant_id', '=', grantId)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .set({ ended_at: at, ended_by: by, ended_actor: actor })
        .execute();
    },

    async endAllOf(connectionId, { by, actor, at }) {
      await open()
        .where('connection_id', '=', connectionId)
        .where(
          sql<boolean>`exists (
            select from connections where id = ${connectionId} and organization_id is not distinct from ${organizationId}::text
          )`,
        )
        .set({ ended_at: at, ended_by: by, ended_actor: actor })
        .execute();
    },
  };
}

export function createConsentReader({ db }: { db: Kysely<Tables> }): ConsentReader {
  return {
    async listOfGrant(grantId) {
      if (!isUuid(grantId)) return [];
      const rows = await db
        .selectFrom('consents')
        .select(consentColumns)
        .where('grant_id', '=', grantId)
        .orderBy('consents.at', 'desc')
        .orderBy('consents.id', 'desc')
        .limit(maxConsentsListed)
        .execute();
      return rows.map(toConsent);
    },
  };
}

function toConsent(row: Pick<Selectable<ConsentsTable>, (typeof consentColumns)[number]>): Consent {
  const { ended_at: endedAt, ended_by: by, ended_actor: actor } = row;
  return {
    id: row.id,
    grantId: row.grant_id,
    connectionId: row.connection_id,
    connectionName: row.connection_name,
    organizationId: row.organization_id,
    subject: row.subject,
    accountId: row.account_id,
    accountName: row.account_name,
    scopes: row.scopes,
    how: row.how,
    actor: row.actor,
    address: row.address,
    at: row.at,
    end:
      endedAt === null || by === null || actor === null
        ? null
        : { at: endedAt, by, actor, replacedBy: row.replaced_by },
  };
}
