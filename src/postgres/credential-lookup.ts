import type pg from 'pg';
import type { Flow } from '../domain/connection.ts';
import type { CredentialMatch, CredentialQuery, ServableGrant } from '../domain/credential.ts';
import type { StatusReason, StoredGrantStatus } from '../domain/grant.ts';
import type { CredentialLookup } from '../domain/ports/engine.ts';
import { queryPrepared } from './pool.ts';

/** Instants as milliseconds and scopes as JSON: cheaper to read than what pg parses into dates and arrays. */
interface Row {
  connection_id: string;
  connection_organization_id: string | null;
  flow: Flow;
  id: string | null;
  organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  status: StoredGrantStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  sealed_tokens: Buffer | null;
  expires_at: number | null;
  refresh_expires_at: number | null;
  obtained_at: number | null;
  lifetime_seconds: number | null;
  refreshable: boolean;
  scopes: string[];
  version: number;
  retry_at: number | null;
  refresh_started_at: number | null;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8 as ${column}`;
const grantColumns = [
  'id, organization_id, subject, account_id, status, status_reason, status_message, sealed_tokens',
  ms('expires_at'),
  ms('refresh_expires_at'),
  ms('obtained_at'),
  'lifetime_seconds, refreshable, to_json(scopes) as scopes, version',
  ms('retry_at'),
  ms('refresh_started_at'),
].join(', ');

interface Shape {
  organization: boolean;
  subject: boolean;
  account: boolean;
}

/**
 * One statement for each combination of what is named: an index serves `= $1` and `is null`, but nothing that covers
 * both. $1 is the name; then organisation, subject and account, as far as they are there.
 */
function statement(shape: Shape): { name: string; text: string } {
  let parameters = 1;
  const given = (present: boolean) => (present ? `= $${++parameters}` : 'is null');
  const organization = given(shape.organization);
  const subject = given(shape.subject);
  const account = shape.account ? `and account_id ${given(true)}` : '';

  const connection = (owner: string) =>
    `select id, organization_id, flow, share_with_organizations from connections where organization_id ${owner} and name = $1`;
  const connections = shape.organization
    ? `${connection(organization)} union all ${connection('is null')} order by organization_id nulls last limit 1`
    : connection('is null');

  const own = `connection_id = c.id and organization_id ${organization} and subject ${subject}`;
  // The shared grant is for nobody in particular, and any row of the organisation's own hides it, also of another
  // account: what naming an account reaches is always among what naming none would offer.
  const shared = `
    union all
    select ${grantColumns} from grants
    where c.organization_id is null and c.share_with_organizations
      and connection_id = c.id and organization_id is null and subject is null ${account}
      and not exists (select from grants where ${own})`;
  const text = `
    select c.id as connection_id, c.organization_id as connection_organization_id, c.flow, g.*
    from (${connections}) c
    left join lateral (
      select ${grantColumns} from grants where ${own} ${account}
      ${shape.organization && !shape.subject ? shared : ''}
    ) g on true`;
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

/** The hot path: one prepared statement, only the columns a fetch needs. */
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
    grants,
  };
}

const date = (at: number | null) => (at === null ? null : new Date(at));

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
    facts:
      row.sealed_tokens === null
        ? null
        : {
            expiresAt: date(row.expires_at),
            refreshExpiresAt: date(row.refresh_expires_at),
            obtainedAt: date(row.obtained_at),
            lifetimeSeconds: row.lifetime_seconds,
            refreshable: row.refreshable,
            scopes: row.scopes,
          },
    version: row.version,
    retryAt: date(row.retry_at),
    refreshStartedAt: date(row.refresh_started_at),
  };
}
