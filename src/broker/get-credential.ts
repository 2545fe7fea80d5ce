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
 * A live access token, at once where it is in memory. Throws, or rejects with, connection_not_found, grant_not_found,
 * connection_not_ready, provider_unavailable, account_ambiguous, insufficient_scope, min_ttl_unsatisfiable, forbidden.
 */
export type GetCredential = (actor: Actor, request: CredentialRequest) => Credential | Promise<Credential>;

export interface GetCredentialDeps {
  findServable: FindServable;
  serveCredential: ServeCredential;
}

export function createGetCredential({ findServable, serveCredential }: GetCredentialDeps): GetCredential {
  return (actor, request) => {
    const found = findServable(actor, request);
    // A promise only where something has to be waited for: each one costs a fetch from memory a turn of the queue.
    if (found instanceof Promise) return found.then(({ match, grant }) => serveCredential.serve(match, grant, request));
    return serveCredential.serve(found.match, found.grant, request);
  };
}

/** The connection and the one grant a request is about. */
export interface Servable {
  match: CredentialMatch;
  grant: ServableGrant;
}

/** At once where it is in memory. Throws, or rejects, as a fetch does where there is no such grant, or more than one. */
export type FindServable = (
  actor: Actor,
  request: Omit<CredentialQuery, 'organizationId'>,
) => Servable | Promise<Servable>;

export interface FindServableDeps {
  lookup: Pick<CredentialLookup, 'recall' | 'find'>;
  database: Pick<Database, 'read'>;
}

export function createFindServable({ lookup, database }: FindServableDeps): FindServable {
  async function read(query: CredentialQuery): Promise<Servable> {
    const { organizationId, connectionName, subject, accountId } = query;
    const match = await lookup.find(query);
    if (match === undefined)
      throw BrokerError.of('connection_not_found', `There is no connection named ${connectionName}.`);
    const servable = onlyGrantOf(match);
    if (servable !== undefined) return servable;
    if (subject !== null || accountId !== null) {
      throw BrokerError.of('grant_not_found', 'Nobody has connected that subject or account yet.');
    }
    throw await neverConnected(database, organizationId, connectionName);
  }

  return ({ caller, organizationId }, { connectionName, subject, accountId }) => {
    if (!mayReadCredentialsOf(caller, connectionName)) {
      throw BrokerError.of('forbidden', 'This caller may not read credentials of that connection.');
    }
    const query = { organizationId, connectionName, subject, accountId };
    const match = lookup.recall(query);
    return (match && onlyGrantOf(match)) ?? read(query);
  };
}

/** Undefined where there is none. Throws account_ambiguous where there are several. */
function onlyGrantOf(match: CredentialMatch): Servable | undefined {
  const { grants } = match;
  const grant = grants[0];
  if (grant === undefined) return undefined;
  if (grants.length === 1) return { match, grant };
  const accounts = grants.flatMap(({ accountId }) => (accountId === null ? [] : [accountId]));
  throw BrokerError.with('account_ambiguous', 'Several accounts are connected; name one with account_id.', {
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
