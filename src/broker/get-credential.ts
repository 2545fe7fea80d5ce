import { type Actor, mayReadCredentialsOf } from '../domain/caller.ts';
import type { Credential, CredentialMatch, CredentialQuery, ServableGrant } from '../domain/credential.ts';
import { BrokerError } from '../domain/errors.ts';
import type { CredentialLookup } from '../domain/ports/engine.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { ServeCredential } from './serve-credential.ts';

export interface CredentialRequest {
  connectionName: string;
  subject: string | null;
  accountId: string | null;
  /** The token must live at least this long; 0 asks for one that is alive. */
  minTtlSeconds: number;
  requiredScopes: readonly string[];
  workflow: { id: string; name: string | null } | null;
}

/**
 * A live access token. Throws connection_not_found, grant_not_found, connection_not_ready, provider_unavailable,
 * account_ambiguous, insufficient_scope, min_ttl_unsatisfiable, forbidden.
 */
export type GetCredential = (actor: Actor, request: CredentialRequest) => Promise<Credential>;

export interface GetCredentialDeps {
  findServable: FindServable;
  serveCredential: ServeCredential;
}

export function createGetCredential({ findServable, serveCredential }: GetCredentialDeps): GetCredential {
  return async (actor, request) => {
    const { match, grant } = await findServable(actor, request);
    return serveCredential.serve(match, grant, request);
  };
}

/** The connection and the one grant a request is about. Throws as a fetch does where there is none, or more than one. */
export type FindServable = (
  actor: Actor,
  request: Omit<CredentialQuery, 'organizationId'>,
) => Promise<{ match: CredentialMatch; grant: ServableGrant }>;

export interface FindServableDeps {
  lookup: Pick<CredentialLookup, 'find'>;
  database: Pick<Database, 'read'>;
}

export function createFindServable({ lookup, database }: FindServableDeps): FindServable {
  return async ({ caller, organizationId }, { connectionName, subject, accountId }) => {
    if (!mayReadCredentialsOf(caller, connectionName)) {
      throw BrokerError.of('forbidden', 'This caller may not read credentials of that connection.');
    }
    const match = await lookup.find({ organizationId, connectionName, subject, accountId });
    if (match === undefined)
      throw BrokerError.of('connection_not_found', `There is no connection named ${connectionName}.`);
    const [grant, ...others] = match.grants;
    if (grant !== undefined && others.length === 0) return { match, grant };
    if (grant !== undefined) throw ambiguous(match.grants);
    if (subject !== null || accountId !== null) {
      throw BrokerError.of('grant_not_found', 'Nobody has connected that subject or account yet.');
    }
    throw await neverConnected(database, organizationId, connectionName);
  };
}

function ambiguous(grants: readonly ServableGrant[]): BrokerError {
  const accounts = grants.flatMap(({ accountId }) => (accountId === null ? [] : [accountId]));
  return BrokerError.with('account_ambiguous', 'Several accounts are connected; name one with account_id.', {
    accounts,
  });
}

/** Off the hot path: what the latest trip says about a connection nobody holds a grant of. */
async function neverConnected(
  database: Pick<Database, 'read'>,
  organizationId: string | null,
  name: string,
): Promise<BrokerError> {
  const record = await database.read(organizationId).connections.find(name);
  return BrokerError.with(
    'connection_not_ready',
    record?.statusMessage ?? 'Nobody has authorized this connection yet.',
    {
      connection_status: record?.status ?? 'not_connected',
      status_reason: record?.statusReason ?? null,
      status_message: record?.statusMessage ?? null,
    },
  );
}
