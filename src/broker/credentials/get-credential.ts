import { type Actor, mayReadCredentialsOf } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import {
  type Credential,
  type CredentialMatch,
  type CredentialQuery,
  maxAccountsNamed,
  type ServableGrant,
} from '../../domain/grants/credential.ts';
import type { OnFetch } from '../../domain/grants/credential-fetch.ts';
import type { CredentialLookup } from '../../domain/ports/engine.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { Workflow } from '../../domain/workflows.ts';
import { createObserveFetch } from './observe-fetch.ts';
import type { RequireEnabled } from './require-enabled.ts';
import type { ServeCredential } from './serve-credential.ts';
import { ambiguous, grantNotFound, notConnected, notReady } from './serving-refusal.ts';

export interface CredentialRequest {
  connectionName: string;
  subject: string | null;
  accountId: string | null;
  /** Seconds the token must still live; 0 accepts any live token. */
  minTtlSeconds: number;
  requiredScopes: readonly string[];
  /** Workflow that the token is for; null if the caller names none. */
  workflow: Workflow | null;
}

/**
 * Returns a live access token. Throws connection_not_found, grant_not_found, connection_not_ready,
 * provider_unavailable, account_ambiguous, insufficient_scope, min_ttl_unsatisfiable,
 * workflow_disabled, forbidden.
 */
export type GetCredential = (actor: Actor, request: CredentialRequest) => Promise<Credential>;

export interface GetCredentialDeps {
  findServable: FindServable;
  serveCredential: ServeCredential;
  requireEnabled: RequireEnabled;
  clock: () => Date;
  /** Absent for reads that no caller receives, such as the test of a connection. */
  onFetch?: OnFetch;
}

export function createGetCredential(deps: GetCredentialDeps): GetCredential {
  const { findServable, serveCredential, requireEnabled, clock, onFetch } = deps;
  const observe = createObserveFetch({ operation: 'fetch', clock, onFetch });
  return async (actor, request) => {
    let found: Servable | null = null;
    try {
      // First: a workflow that the deletion of its connection disabled gets that reason, not connection_not_found.
      if (request.workflow !== null) await requireEnabled(actor.organizationId, request.workflow);
      found = await findServable(actor, request);
      const credential = await serveCredential.serve(found.match, found.grant, request);
      observe(actor, request, found, null, credential);
      return credential;
    } catch (error) {
      observe(actor, request, found, error, null);
      throw error;
    }
  };
}

/** The connection of a request and the one grant that serves it. */
export interface Servable {
  match: CredentialMatch;
  grant: ServableGrant;
}

/** Throws connection_not_found, grant_not_found, connection_not_ready, account_ambiguous, forbidden. */
export type FindServable = (actor: Actor, request: Omit<CredentialQuery, 'organizationId'>) => Promise<Servable>;

export interface FindServableDeps {
  find: CredentialLookup['find'];
  database: Pick<Database, 'read'>;
  clock: () => Date;
}

export function createFindServable({ find, database, clock }: FindServableDeps): FindServable {
  const refuse = createRefuseSelection({ database, clock });
  return async ({ caller, organizationId }, { connectionName, subject, accountId }) => {
    if (!mayReadCredentialsOf(caller, connectionName)) throw nameNotCovered();
    const match = await find({ organizationId, connectionName, subject, accountId });
    if (match === undefined) throw connectionNotFound(connectionName);
    const [grant] = match.grants;
    if (grant === undefined || match.grants.length > 1) {
      throw await refuse({ organizationId, connectionName, subject, accountId }, match);
    }
    return { match, grant };
  };
}

/** Refuses a caller whose name patterns do not cover the connection. */
export function nameNotCovered(): BrokerError {
  return BrokerError.of('forbidden', 'This caller may not read credentials of that connection.');
}

export function connectionNotFound(name: string): BrokerError {
  return BrokerError.of('connection_not_found', `There is no connection named ${name}.`);
}

/** Refuses a request that no grant, or more than one, matches. Off the hot path: it may read once more. */
export type RefuseSelection = (query: CredentialQuery, match: CredentialMatch) => Promise<BrokerError>;

export function createRefuseSelection(deps: Pick<FindServableDeps, 'database' | 'clock'>): RefuseSelection {
  return async ({ organizationId, subject, accountId }, match) => {
    const [grant] = match.grants;
    if (grant !== undefined) return severalAccounts(deps.database, match, grant);
    if (subject === null && accountId === null) return neverConnected(deps, organizationId, match);
    return grantNotFound('Nobody has connected that subject or account yet.', match.flow);
  };
}

/** Reads the names of the accounts: a fetch that is served needs no name. */
async function severalAccounts(
  database: Pick<Database, 'read'>,
  { connectionId }: CredentialMatch,
  { organizationId, subject }: ServableGrant,
): Promise<BrokerError> {
  const slots = { connectionId, subject, accountId: null };
  return ambiguous(await database.read(organizationId).grants.findMatching(slots, maxAccountsNamed));
}

/** Explains a connection without a grant by its latest authorization. */
async function neverConnected(
  { database, clock }: Pick<FindServableDeps, 'database' | 'clock'>,
  organizationId: string | null,
  { connectionName: name, flow }: CredentialMatch,
): Promise<BrokerError> {
  const record = await database.read(organizationId).connections.find(name);
  const detail = 'Nobody has authorized this connection yet.';
  if (record !== undefined) return notConnected(record, clock(), detail);
  // The connection was deleted after its grants were looked up.
  return notReady({ status: 'not_connected', reason: null, message: null, retryAt: null }, flow, clock(), detail);
}
