import type { NewConnection } from '../../../../client/token-broker.ts';
import type { GrantLine } from '../../grant-line.ts';
import { type Item, missing, unmapped } from '../item.ts';
import { extraOf, recordOf, scopesOf, textOf } from '../values.ts';

type Json = Readonly<Record<string, unknown>>;

export type SubjectKind = 'connection-id' | 'end-user';

const organizationId = /^[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,99}$/;
/** Maximum characters of a subject. */
const maxSubjectLength = 255;

/** Maps a connection of Nango, with its credentials, to a grant. */
export function mapGrant(from: string, full: Json, connection: NewConnection, subjectKind: SubjectKind): Item {
  const credentials = recordOf(full.credentials);
  const type = textOf(credentials.type);
  if (type === undefined) return missing(from, 'the key may not read credentials of connections');
  if (type !== 'OAUTH2') return unmapped(from, `credentials of the type ${type}`);
  if (textOf(recordOf(credentials.config_override).client_id) !== undefined) {
    return missing(from, 'it has an OAuth client of its own; import it into a connection with that client');
  }
  const accessToken = textOf(credentials.access_token);
  const refreshToken = textOf(credentials.refresh_token);
  if (accessToken === undefined && refreshToken === undefined) return missing(from, 'it has no token');
  const owner = ownerOf(full, subjectKind);
  if ('reason' in owner) return missing(from, owner.reason);
  const raw = recordOf(credentials.raw);
  const scopes = scopesOf(raw.scope);
  const extra = extraOf({ ...textsOf(full.connection_config), ...raw });
  const expiresAt = timeOf(credentials.expires_at);
  const grant: GrantLine = {
    connection_name: connection.connection_name,
    ...owner,
    ...(accessToken !== undefined && { access_token: accessToken }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(scopes !== undefined && { scopes }),
    ...(extra !== undefined && { extra }),
  };
  return { kind: 'grant', from, connection, grant };
}

/** Organisation and subject. Tags replace the end user in later versions of Nango. */
function ownerOf(full: Json, kind: SubjectKind): { organization_id?: string; subject: string } | { reason: string } {
  const endUser = recordOf(full.end_user);
  const tags = recordOf(full.tags);
  const organization = textOf(recordOf(endUser.organization).id) ?? textOf(tags.organization_id);
  if (organization !== undefined && !organizationId.test(organization)) {
    return { reason: 'the id of its organisation is no organisation id of the broker; give --organization' };
  }
  const id = kind === 'connection-id' ? textOf(full.connection_id) : (textOf(endUser.id) ?? textOf(tags.end_user_id));
  if (id === undefined) return { reason: 'it has no end user; use --subject connection-id' };
  if (id.length > maxSubjectLength) return { reason: `its subject is longer than ${maxSubjectLength} characters` };
  return { ...(organization !== undefined && { organization_id: organization }), subject: id };
}

/** Text values, such as a subdomain or an instance URL. */
function textsOf(config: unknown): Json {
  return Object.fromEntries(Object.entries(recordOf(config)).filter(([, value]) => typeof value === 'string'));
}

function timeOf(value: unknown): string | undefined {
  const at = Date.parse(textOf(value) ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
