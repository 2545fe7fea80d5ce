import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import type {
  SealedPlace,
  SealedValue,
  SealedValueStore,
  SecretDestination,
} from '../../domain/ports/maintenance/key-rotation.ts';
import type { Tables } from '../tables.ts';

/** Names the columns of a place, and what its values are bound to. */
interface PlaceColumns {
  table: keyof Tables;
  column: string;
  key: string;
  /** Type of the key, for parameters that hold it as text. */
  keyType: 'uuid' | 'text' | 'bigint';
  row: string;
  organization: string;
  /** JSON of the destination. Null: values are bound to their place alone. */
  destination: RawBuilder<unknown> | null;
}

const connectionDestination = sql`jsonb_build_object(
  'settings', jsonb_build_object('provider', provider, 'tokenUrl', token_url, 'variables', variables),
  'secretOrigins', jsonb_build_object('testUrl', secret_test_origin, 'revocationUrl', secret_revocation_origin))`;
const copiedDestination = sql`jsonb_build_object(
  'settings', jsonb_build_object(
    'provider', settings -> 'provider', 'tokenUrl', settings -> 'tokenUrl', 'variables', settings -> 'variables'),
  'secretOrigins', jsonb_build_object('testUrl', secret_test_origin, 'revocationUrl', secret_revocation_origin))`;

const places: Readonly<Record<SealedPlace, Omit<PlaceColumns, 'table' | 'column'>>> = {
  'connections.sealed_client_secrets': {
    key: 'id',
    keyType: 'uuid',
    row: 'id',
    organization: 'organization_id',
    destination: connectionDestination,
  },
  'grants.sealed_tokens': {
    key: 'id',
    keyType: 'uuid',
    row: 'id',
    organization: 'organization_id',
    destination: null,
  },
  'authorizations.sealed_verifier': {
    key: 'state_hash',
    keyType: 'text',
    row: 'state_hash',
    organization: 'organization_id',
    destination: null,
  },
  'authorizations.sealed_waiting': {
    key: 'state_hash',
    keyType: 'text',
    row: 'state_hash',
    organization: 'organization_id',
    destination: null,
  },
  'pending_revocations.sealed_tokens': {
    key: 'id',
    keyType: 'bigint',
    row: 'grant_id',
    organization: 'organization_id',
    destination: null,
  },
  'pending_revocations.sealed_client_secrets': {
    key: 'id',
    keyType: 'bigint',
    row: 'connection_id',
    organization: 'connection_owner',
    destination: copiedDestination,
  },
};

interface PageRow {
  key: string;
  sealed: Buffer | null;
  row: string;
  organizationId: string | null;
  destination: { settings: Pick<ConnectionSettings, 'provider' | 'tokenUrl' | 'variables'> } | null;
}

export function createSealedValueStore({ db }: { db: Kysely<Tables> }): SealedValueStore {
  return {
    async page(place, wanted, after, limit) {
      const { key, row, organization, destination, ...rest } = columnsOf(place);
      const sealed = sql.ref(rest.column);
      // Values bound to a destination have layout 2. Earlier releases wrote layout 1.
      const isOutdated =
        destination === null
          ? sql`${keyIdOf(sealed)} <> ${bytesOf(wanted)}`
          : sql`(${keyIdOf(sealed)} <> ${bytesOf(wanted)} or get_byte(${sealed}, 0) < 2)`;
      const { rows } = await sql<PageRow>`
        select ${sql.ref(key)}::text as key, case when ${isOutdated} then ${sealed} end as sealed,
          ${sql.ref(row)}::text as "row", ${sql.ref(organization)} as "organizationId",
          case when ${isOutdated} then ${destination ?? sql`null::jsonb`} end as destination
        ${pageOf(place, after, limit)}`.execute(db);
      return {
        values: rows.flatMap((found) => toValue(found)),
        examined: rows.length,
        next: rows.length < limit ? null : (rows.at(-1)?.key ?? null),
      };
    },

    async replace(place, replacements) {
      if (replacements.length === 0) return 0;
      const { table, column, key, keyType } = columnsOf(place);
      const name = sql.table(table);
      const keys = replacements.map((one) => one.key);
      const from = replacements.map((one) => Buffer.from(one.from));
      const to = replacements.map((one) => Buffer.from(one.to));
      // Skips locked rows: a refresh, an edit or a callback neither waits for this statement nor makes it wait.
      const { numAffectedRows } = await sql`
        with fresh as (
          select unnest(${keys}::text[])::${sql.raw(keyType)} as key, unnest(${from}::bytea[]) as old,
            unnest(${to}::bytea[]) as new
        ), locked as (
          select target.${sql.ref(key)} as key, fresh.new
          from ${name} target join fresh on target.${sql.ref(key)} = fresh.key
            and target.${sql.ref(column)} = fresh.old
          for no key update of target skip locked
        )
        update ${name} target set ${sql.ref(column)} = locked.new
        from locked where target.${sql.ref(key)} = locked.key`.execute(db);
      return Number(numAffectedRows ?? 0n);
    },

    async count(place, dataKeyId, after, limit) {
      const { key, column } = columnsOf(place);
      const { rows } = await sql<{ found: number; examined: number; last: string | null }>`
        select count(*) filter (where ${keyIdOf(sql.ref(column))} = ${bytesOf(dataKeyId)})::int as found,
          count(*)::int as examined, (array_agg(${sql.ref(key)}::text))[count(*)] as last
        from (select ${sql.ref(key)}, ${sql.ref(column)} ${pageOf(place, after, limit)}) page`.execute(db);
      const { found = 0, examined = 0, last = null } = rows[0] ?? {};
      return { found, next: examined < limit ? null : last };
    },
  };
}

function columnsOf(place: SealedPlace): PlaceColumns {
  const [table, column = ''] = place.split('.') as [keyof Tables, string];
  return { table, column, ...places[place] };
}

/** Ends a statement that selects one page of rows in the order of the primary key. */
function pageOf(place: SealedPlace, after: string | null, limit: number): RawBuilder<unknown> {
  const { table, key, keyType } = columnsOf(place);
  const column = sql.ref(key);
  const from = after === null ? sql`` : sql`where ${column} > ${after}::text::${sql.raw(keyType)}`;
  return sql`from ${sql.table(table)} ${from} order by ${column} limit ${limit}`;
}

function keyIdOf(sealed: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`substring(${sealed} from 2 for 16)`;
}

function bytesOf(dataKeyId: string): RawBuilder<unknown> {
  return sql`decode(${dataKeyId.replaceAll('-', '')}::text, 'hex')`;
}

function toValue({ key, sealed, row, organizationId, destination }: PageRow): SealedValue[] {
  if (sealed === null) return [];
  const value = { key, sealed, row, organizationId };
  return [destination === null ? value : { ...value, destination: destination as SecretDestination }];
}
