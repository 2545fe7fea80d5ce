import type { GrantList, StartedAuthorization } from '../../../../client/token-broker.ts';
import { pathOf } from '../../../../client/transport/request-url.ts';
import type { Api } from '../../../api.ts';
import { readPages } from '../../../read-pages.ts';
import type { VaultCredential } from './vault-lines.ts';

/** Seconds for which a link can be opened: seven days, the most that the API allows. */
const linkSeconds = 604_800;

export interface Link {
  connection_name: string;
  organization_id: string | null;
  subject: string | null;
  /** Null if the account is connected already. */
  authorization_url: string | null;
  expires_at: string | null;
}

/** Starts the authorization of a credential, unless its grant works already. */
export async function createLink(api: Api, connection: string, credential: VaultCredential): Promise<Link> {
  const { subject, organization, scopes } = credential;
  const headers = organization === undefined ? {} : { 'x-organization-id': organization };
  const place = { connection_name: connection, organization_id: organization ?? null, subject: subject ?? null };
  if (await isConnected(api, connection, subject, headers))
    return { ...place, authorization_url: null, expires_at: null };
  const { body } = await api.call<StartedAuthorization>({
    method: 'POST',
    path: pathOf('connections', connection, 'authorize'),
    headers,
    body: {
      expires_in: linkSeconds,
      ...(subject !== undefined && { subject }),
      ...(scopes !== undefined && { scopes }),
    },
  });
  return { ...place, authorization_url: body.authorization_url, expires_at: body.expires_at };
}

async function isConnected(
  api: Api,
  connection: string,
  subject: string | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<boolean> {
  const pages = readPages<GrantList>(api, {
    method: 'GET',
    path: pathOf('connections', connection, 'grants'),
    query: { status: 'completed', subject },
    headers,
  });
  for await (const { grants } of pages) {
    if (grants.some((grant) => grant.subject === (subject ?? null))) return true;
  }
  return false;
}
