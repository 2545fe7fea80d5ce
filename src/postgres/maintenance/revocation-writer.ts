import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { RevocationWriter } from '../../domain/ports/maintenance/revocations.ts';
import type { Tables } from '../tables.ts';

/** Builds the writer of an organisation on its transaction. */
export function createRevocationWriter(db: Kysely<Tables>, organizationId: OrganizationId): RevocationWriter {
  return {
    async add(connection, grantIds, { now, dueAt }) {
      if (grantIds.length === 0) return [];
      const { secretOrigins } = connection;
      // The lock keeps a refresh from storing newer tokens between this copy and the end of the grant. In the order of the
      // ids: two transactions never wait for each other in a circle.
      const { rows } = await sql<{ id: string; grantId: string }>`
        with ending as (
          select id, organization_id, subject, sealed_tokens, test_origin, revocation_origin from grants
          where id = any(${grantIds}::uuid[]) and connection_id = ${connection.id} and sealed_tokens is not null
            and (
              organization_id is not distinct from ${organizationId}::text
              or exists (
                select from connections
                where id = ${connection.id} and organization_id is not distinct from ${organizationId}::text
              )
            )
          order by id for update
        )
        insert into pending_revocations (
          grant_id, organization_id, subject, sealed_tokens, test_origin, revocation_origin, connection_id,
          connection_owner, connection_name, settings, config_version, sealed_client_secrets, client_secret_refused_at,
          secret_test_origin, secret_revocation_origin, next_try_at, created_at
        )
        select id, organization_id, subject, sealed_tokens, test_origin, revocation_origin, ${connection.id}::uuid,
          ${connection.organizationId}::text, ${connection.name}::text, ${JSON.stringify(connection.settings)}::jsonb,
          ${connection.configVersion}::int, ${connection.sealedClientSecrets}::bytea,
          ${connection.clientSecretRefusedAt}::timestamptz, ${secretOrigins.testUrl}::text,
          ${secretOrigins.revocationUrl}::text, ${dueAt}::timestamptz, ${now}::timestamptz
        from ending
        returning id::text as id, grant_id as "grantId"`.execute(db);
      return rows;
    },

    async addTokens(connection, { id, organizationId: owner, subject, sealedTokens, origins }, { now, dueAt }) {
      if (owner !== organizationId && connection.organizationId !== organizationId)
        throw new Error('the tokens belong to another organisation');
      const { secretOrigins } = connection;
      const row = await db
        .insertInto('pending_revocations')
        .values({
          grant_id: id,
          organization_id: owner,
          subject,
          sealed_tokens: sealedTokens,
          test_origin: origins.testUrl,
          revocation_origin: origins.revocationUrl,
          connection_id: connection.id,
          connection_owner: connection.organizationId,
          connection_name: connection.name,
          settings: JSON.stringify(connection.settings),
          config_version: connection.configVersion,
          sealed_client_secrets: connection.sealedClientSecrets,
          client_secret_refused_at: connection.clientSecretRefusedAt,
          secret_test_origin: secretOrigins.testUrl,
          secret_revocation_origin: secretOrigins.revocationUrl,
          next_try_at: dueAt,
          created_at: now,
        })
        .returning((eb) => eb.cast<string>('id', 'text').as('id'))
        .executeTakeFirstOrThrow();
      return { id: row.id, grantId: id };
    },
  };
}
