import type pg from 'pg';
import type { Flow } from '../../domain/connections/connection.ts';
import {
  type CredentialMatch,
  type CredentialQuery,
  maxAccountsNamed,
  type ServableGrant,
} from '../../domain/grants/credential.ts';
import type { StatusReason, StoredGrantStatus } from '../../domain/grants/grant.ts';
import type { CredentialLookup } from '../../domain/ports/engine.ts';
import { columnsText } from '../columns.ts';
import { queryPrepared } from '../driver/query-prepared.ts';
import type { StoredSiblings } from '../stored-siblings.ts';
import type { GrantsTable } from '../tables.ts';
import { toSiblings } from './sibling-columns.ts';

/** Scopes are JSON, which pg parses faster than arrays. */
interface Row {
  connection_id: string;
  connection_organization_id: string | null;
  flow: Flow;
  provider: string;
  id: string | null;
  organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  status: StoredGrantStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  sealed_tokens: Buffer | null;
  expires_at: Date | null;
  refresh_expires_at: Date | null;
  obtained_at: Date | null;
  lifetime_seconds: number | null;
  longest_lifetime_seconds: number | null;
  refreshable: boolean;
  scopes: string[];
  version: number;
  reported_version: number | null;
  retry_at: Date | null;
  refresh_started_at: Date | null;
  siblings: StoredSiblings | null;
}

const plainColumns = [
  'id',
  'organization_id',
  'subject',
  'account_id',
  'status',
  'status_reason',
  'status_message',
  'sealed_tokens',
  'lifetime_seconds',
  'longest_lifetime_seconds',
  'refreshable',
  'version',
  'reported_version',
  'expires_at',
  'refresh_expires_at',
  'obtained_at',
  'retry_at',
  'refresh_started_at',
  'siblings',
] as const satisfies readonly (keyof Row & keyof GrantsTable)[];
const grantColumns = `${columnsText('grants', plainColumns)}, to_json(scopes) as scopes`;
const foundColumns = [...plainColumns, 'scopes'].map((name) => `g.${name}`).join(', ');

interface Shape {
  organization: boolean;
  subject: boolean;
  account: boolean;
}

/** The order of the index of slots. The planner would otherwise scan when it expects to find a row soon. */
const inSlotOrder = 'order by organization_id, subject, slot_account_id';

/**
 * Selects the grants of one owner and subject. With an account it reads at most two index entries: the slot of that
 * account, and the slot of a connection with one account. Without, the order of the index bounds the rows that are read.
 */
function fewGrants(where: string, account: string | undefined): string {
  const select = `select ${grantColumns} from grants where ${where}`;
  if (account === undefined) return `(${select} ${inSlotOrder} limit ${maxAccountsNamed})`;
  return `(${select} and slot_account_id ${account} union all ${select} and slot_account_id is null and account_id ${account})`;
}

/**
 * Builds the statement for one combination of present and absent keys. An index serves `= $1` and `is null`, but no
 * expression that covers both. $1 is the name. The organisation, subject and account follow if they are present.
 */
function statement(shape: Shape): { name: string; text: string } {
  let parameters = 1;
  const matches = (present: boolean) => (present ? `= $${++parameters}` : 'is null');
  const organization = matches(shape.organization);
  const subject = matches(shape.subject);
  const account = shape.account ? matches(true) : undefined;

  const connection = (owner: string) =>
    `select id, organization_id, flow, provider, share_with_organizations from connections where organization_id ${owner} and name = $1`;
  const connections = shape.organization
    ? `${connection(organization)} union all ${connection('is null')} order by organization_id nulls last limit 1`
    : connection('is null');

  const own = `connection_id = c.id and organization_id ${organization} and subject ${subject}`;
  // The shared grant has no subject. Any grant of the organisation hides it, even one of another account: a fetch that
  // names an account must never reach a grant that a fetch without an account could not.
  const isShared = `
    c.organization_id is null and c.share_with_organizations
    and connection_id = c.id and organization_id is null and subject is null
    and (select id from grants where ${own} ${inSlotOrder} limit 1) is null`;
  const shared = shape.organization && !shape.subject ? `union all ${fewGrants(isShared, account)}` : '';
  const text = `
    select c.id as connection_id, c.organization_id as connection_organization_id, c.flow, c.provider, ${foundColumns}
    from (${connections}) c
    left join lateral (${fewGrants(own, account)} ${shared}) g on true`;
  const name = `credential_${Number(shape.organization)}${Number(shape.subject)}${Number(shape.account)}`;
  return { name, text };
}

const shapes = [false, true].flatMap((organization) =>
  [false, true].flatMap((subject) => [false, true].map((account) => ({ organization, subject, account }))),
);
const statements = shapes.map(statement);

function statementFor(query: CredentialQuery): { name: string; text: string } | undefined {
  const index =
    (query.organizationId === null ? 0 : 4) + (query.subject === null ? 0 : 2) + (query.accountId === null ? 0 : 1);
  return statements[index];
}

/** Runs one prepared statement per fetch, which reads only the columns that a fetch needs. */
export function createCredentialLookup(deps: { pool: pg.Pool }): Pick<CredentialLookup, 'find'> {
  return {
    async find(query) {
      const prepared = statementFor(query);
      if (prepared === undefined) throw new TypeError('no statement for this query');
      const values = [query.connectionName, query.organizationId, query.subject, query.accountId].filter(
        (value) => value !== null,
      );
      const rows = await queryPrepared<Row>(deps.pool, { ...prepared, values });
      return toMatch(query.connectionName, rows);
    },
  };
}

function toMatch(connectionName: string, rows: Row[]): CredentialMatch | undefined {
  const first = rows[0];
  if (first === undefined) return undefined;
  const grants: ServableGrant[] = [];
  for (const row of rows) {
    if (row.id !== null) grants.push(toServable(row, row.id));
  }
  return {
    connectionId: first.connection_id,
    connectionName,
    organizationId: first.connection_organization_id,
    flow: first.flow,
    provider: first.provider,
    grants,
  };
}

function toServable(row: Row, id: string): ServableGrant {
  return {
    id,
    connectionId: row.connection_id,
    organizationId: row.organization_id,
    subject: row.subject,
    accountId: row.account_id,
    status: row.status,
    statusReason: row.status_reason,
    statusMessage: row.status_message,
    sealedTokens: row.sealed_tokens,
    metadata:
      row.sealed_tokens === null
        ? null
        : {
            expiresAt: row.expires_at,
            refreshExpiresAt: row.refresh_expires_at,
            obtainedAt: row.obtained_at,
            lifetimeSeconds: row.lifetime_seconds,
            refreshable: row.refreshable,
            scopes: row.scopes,
            ...(row.siblings !== null && { siblings: toSiblings(row.siblings) }),
          },
    longestLifetimeSeconds: row.longest_lifetime_seconds,
    version: row.version,
    reportedVersion: row.reported_version,
    retryAt: row.retry_at,
    refreshStartedAt: row.refresh_started_at,
  };
}
