import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type { AuditEvent } from '../../domain/audit.ts';
import type { GrantLane } from '../../domain/ports/maintenance/lanes.ts';
import type {
  PendingRevocation,
  RevocationClaim,
  RevocationStore,
} from '../../domain/ports/maintenance/revocations.ts';
import { appendAuditEvent } from '../audit-log.ts';
import type { PendingRevocationsTable } from '../background-tables.ts';
import { instant } from '../columns.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import type { Tables } from '../tables.ts';

type ClaimedRow = Pick<
  Selectable<PendingRevocationsTable>,
  Exclude<keyof PendingRevocationsTable, 'next_try_at' | 'last_error'>
> & { is_client_gone: boolean };

export function createRevocationStore({ db }: { db: Kysely<Tables> }): RevocationStore {
  async function claim(due: RawBuilder<unknown>, { until }: RevocationClaim): Promise<PendingRevocation | undefined> {
    const { rows } = await claimOne(due, until).execute(db);
    return rows[0] && toPendingRevocation(rows[0]);
  }

  return {
    async lanes(now, limit) {
      const { rows } = await dueLanes(now, limit).execute(db);
      return rows;
    },

    claimDue: (lane, times) => claim(dueOfLane(lane, times.now), times),
    claimFirst: (id, times) => claim(sql`id = ${id}::bigint and attempts = 0`, times),

    async isConnectedAgain({ grant, connection }) {
      const found = await db
        .selectFrom('connections')
        .innerJoin('grants', 'grants.connection_id', 'connections.id')
        .select('grants.id')
        .where('connections.organization_id', isNullOrEqual(connection.organizationId), connection.organizationId)
        .where('connections.name', '=', connection.name)
        .where('grants.organization_id', isNullOrEqual(grant.organizationId), grant.organizationId)
        .where('grants.subject', isNullOrEqual(grant.subject), grant.subject)
        .where('grants.sealed_tokens', 'is not', null)
        .limit(1)
        .executeTakeFirst();
      return found !== undefined;
    },

    async postpone(id, { at, error }) {
      await db
        .updateTable('pending_revocations')
        .set({ next_try_at: at, last_error: error })
        .where('id', '=', id)
        .execute();
    },

    async remove(id, event) {
      if (event === null) {
        await db.deleteFrom('pending_revocations').where('id', '=', id).execute();
        return;
      }
      await db.transaction().execute((transaction) => removeWith(transaction, id, event));
    },
  };
}

async function removeWith(transaction: Kysely<Tables>, id: string, event: AuditEvent): Promise<void> {
  const { numDeletedRows } = await transaction
    .deleteFrom('pending_revocations')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 1n) await appendAuditEvent(transaction, event);
}

/** Reads the index of due rows alone: a run costs what is due, not what is pending. */
export function dueLanes(now: Date, limit: number): RawBuilder<GrantLane> {
  return sql<GrantLane>`
    select connection_id as "connectionId", organization_id as "organizationId"
    from (
      select distinct connection_id, organization_id from pending_revocations where next_try_at <= ${now}::timestamptz
    ) due
    order by random() limit ${limit}`;
}

export function dueOfLane({ connectionId, organizationId }: GrantLane, now: Date): RawBuilder<unknown> {
  const owned = organizationId === null ? sql`organization_id is null` : sql`organization_id = ${organizationId}`;
  return sql`connection_id = ${connectionId}::uuid and ${owned} and next_try_at <= ${now}::timestamptz order by next_try_at`;
}

/**
 * Claims one row that `due` selects. Skips rows that another process is claiming, and Postgres checks the condition
 * again under the lock, so each attempt has one process.
 */
export function claimOne(due: RawBuilder<unknown>, until: Date): RawBuilder<ClaimedRow> {
  // The client secrets of a client that is unchanged are read from the connection: they may have been rotated since. So
  // are the settings that they are bound to.
  const current = (column: keyof Tables['connections'] & keyof PendingRevocationsTable) =>
    sql`case when client.id is null then claimed.${sql.ref(column)} else client.${sql.ref(column)} end`;
  return sql<ClaimedRow>`
    with claimed as (
      update pending_revocations set attempts = attempts + 1, next_try_at = ${until}::timestamptz
      where id = (select id from pending_revocations where ${due} limit 1 for update skip locked)
      returning id, grant_id, organization_id, subject, sealed_tokens, test_origin, revocation_origin, connection_id,
        connection_owner, connection_name, settings, config_version, attempts, created_at, sealed_client_secrets,
        client_secret_refused_at, secret_test_origin, secret_revocation_origin
    )
    select claimed.id::text as id, claimed.grant_id, claimed.organization_id, claimed.subject, claimed.sealed_tokens, claimed.test_origin,
      claimed.revocation_origin, claimed.connection_id, claimed.connection_owner, claimed.connection_name,
      case when client.id is null then claimed.settings else claimed.settings || jsonb_build_object(
        'provider', client.provider, 'tokenUrl', client.token_url, 'variables', client.variables
      ) end as settings, claimed.config_version, claimed.attempts, ${instant(sql`claimed.created_at`)} as created_at,
      ${current('sealed_client_secrets')} as sealed_client_secrets,
      ${instant(current('client_secret_refused_at'))} as client_secret_refused_at,
      ${current('secret_test_origin')} as secret_test_origin,
      ${current('secret_revocation_origin')} as secret_revocation_origin,
      client.id is null as is_client_gone
    from claimed left join connections client
      on client.id = claimed.connection_id and client.config_version = claimed.config_version`;
}

function toPendingRevocation(row: ClaimedRow): PendingRevocation {
  return {
    id: row.id,
    grant: {
      id: row.grant_id,
      organizationId: row.organization_id,
      subject: row.subject,
      origins: { testUrl: row.test_origin, revocationUrl: row.revocation_origin },
      sealedTokens: row.sealed_tokens,
    },
    connection: {
      id: row.connection_id,
      organizationId: row.connection_owner,
      name: row.connection_name,
      settings: row.settings,
      configVersion: row.config_version,
      sealedClientSecrets: row.sealed_client_secrets,
      clientSecretRefusedAt: row.client_secret_refused_at,
      secretOrigins: { testUrl: row.secret_test_origin, revocationUrl: row.secret_revocation_origin },
    },
    attempts: row.attempts,
    createdAt: row.created_at,
    isClientGone: row.is_client_gone,
  };
}
