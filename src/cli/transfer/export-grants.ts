import { TokenBrokerError } from '../../client/errors.ts';
import type { Credential } from '../../client/token-broker.ts';
import { pathOf } from '../../client/transport/request-url.ts';
import type { Api } from '../api.ts';
import { readPages } from '../read-pages.ts';
import type { GrantLine } from './grant-line.ts';

/** Members of GET /admin/grants that an export reads. */
interface FleetGrant {
  grant_id: string;
  organization_id: string | null;
  connection_name: string;
  /** Owner of the connection. */
  connection_organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  scopes: string[];
  expires_at: string | null;
}

export interface ExportedGrant {
  grantId: string;
  /** Line without tokens. */
  line: GrantLine;
  /** Line with the tokens that the API hands out; undefined if none was asked for or there is none. */
  withTokens?: GrantLine | undefined;
  /** Why there is no token. */
  missing?: { code: string; mayComeLater: boolean } | undefined;
}

export interface ExportFilter {
  connection?: string | undefined;
  organization?: string | undefined;
}

/** Fetches under way at once. More would only queue behind each other in the broker. */
const fetchesAtOnce = 8;

/** Walks all grants that the key may see. Holds one page. */
export async function* exportGrants(
  api: Api,
  { connection, organization }: ExportFilter,
  withTokens: boolean,
): AsyncGenerator<ExportedGrant> {
  const query = { connection_name: connection, organization_id: organization };
  for await (const { grants } of readPages<{ grants: FleetGrant[]; next_cursor: string | null }>(api, {
    method: 'GET',
    path: '/admin/grants',
    query,
  })) {
    for (let at = 0; at < grants.length; at += fetchesAtOnce) {
      const some = grants.slice(at, at + fetchesAtOnce);
      yield* withTokens ? await Promise.all(some.map((grant) => readTokens(api, grant))) : some.map(withoutTokens);
    }
  }
}

function withoutTokens(grant: FleetGrant): ExportedGrant {
  const { grant_id: grantId, connection_name, organization_id, subject, account_id, scopes, expires_at } = grant;
  return {
    grantId,
    line: {
      connection_name,
      ...(organization_id !== null && { organization_id }),
      ...(subject !== null && { subject }),
      ...(account_id !== null && { account_id }),
      scopes,
      ...(expires_at !== null && { expires_at }),
    },
  };
}

/** Fetches the token of a grant as its organisation does. The API has no other way, and none to a refresh token. */
async function readTokens(api: Api, grant: FleetGrant): Promise<ExportedGrant> {
  const exported = withoutTokens(grant);
  const { subject, account_id, organization_id } = grant;
  let found: Credential;
  try {
    const answer = await api.call<Credential>({
      method: 'GET',
      path: pathOf('credentials', grant.connection_name),
      query: { subject, account_id },
      headers: organization_id === null ? {} : { 'x-organization-id': organization_id },
    });
    found = answer.body;
  } catch (error) {
    // Without the permission, each further fetch fails alike.
    if (!(error instanceof TokenBrokerError) || ['unauthorized', 'forbidden'].includes(error.code)) throw error;
    return { ...exported, missing: { code: error.code, mayComeLater: error.nextAction === 'wait' } };
  }
  // An organisation's own connection of the same name hides the global one, and its grant.
  if (!isOf(found, grant)) return { ...exported, missing: { code: 'shadowed', mayComeLater: false } };
  const { access_token, token_type, expires_at, scopes, extra } = found;
  const tokens = { access_token, token_type, ...(expires_at !== null && { expires_at }), scopes, extra };
  return { ...exported, withTokens: { ...exported.line, ...tokens } };
}

function isOf(found: Credential, grant: FleetGrant): boolean {
  return (
    found.organization_id === grant.connection_organization_id &&
    found.grant_organization_id === grant.organization_id &&
    found.account_id === grant.account_id
  );
}
