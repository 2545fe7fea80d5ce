import type { Actor } from '../../domain/callers/caller.ts';
import { isBrokerError } from '../../domain/errors.ts';
import type { Credential, CredentialMatch, ServableGrant } from '../../domain/grants/credential.ts';
import type { CredentialFetch, OnFetch } from '../../domain/grants/credential-fetch.ts';

type Requested = Pick<CredentialFetch, 'connectionName' | 'subject' | 'accountId' | 'workflow'>;

/** The connection and the grant of a fetch. */
interface Found {
  match: Pick<CredentialMatch, 'connectionId' | 'fromCache'>;
  grant: Pick<ServableGrant, 'id' | 'version'>;
}

/** Reports one fetch. `error` is null if a token is served, and `served` is null if none is. */
export type ObserveFetch = (
  actor: Actor,
  requested: Requested,
  found: Found | null,
  error: unknown,
  served: Pick<Credential, 'version'> | null,
) => void;

export interface ObserveFetchDeps {
  operation: CredentialFetch['operation'];
  clock: () => Date;
  onFetch: OnFetch | undefined;
}

export function createObserveFetch({ operation, clock, onFetch }: ObserveFetchDeps): ObserveFetch {
  return (actor, { connectionName, subject, accountId, workflow }, found, error, served) =>
    onFetch?.({
      at: clock(),
      operation,
      actor,
      connectionName,
      subject,
      accountId,
      workflow,
      connectionId: found === null ? null : found.match.connectionId,
      grantId: found === null ? null : found.grant.id,
      refusal: error === null ? null : refusalOf(error),
      source: found === null || served === null ? null : sourceOf(found, served),
    });
}

function sourceOf({ match, grant }: Found, served: Pick<Credential, 'version'>): CredentialFetch['source'] {
  if (served.version !== grant.version) return 'refresh';
  return match.fromCache === true ? 'cache' : 'store';
}

function refusalOf(error: unknown): CredentialFetch['refusal'] {
  return isBrokerError(error) ? error.code : 'internal_error';
}
