import {
  type CredentialMatch,
  type CredentialQuery,
  maxAccountsNamed,
  type ServableGrant,
} from '../../../../src/domain/grants/credential.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { CredentialLookup } from '../../../../src/domain/ports/engine.ts';
import { byCreation, type MemoryRows, type MemoryState } from './state.ts';

export function createMemoryCredentials({ rows }: MemoryState): CredentialLookup {
  const find = async (query: CredentialQuery) => findMatch(rows, query);
  return { find, findStored: find };
}

function findMatch(rows: MemoryRows, query: CredentialQuery): CredentialMatch | undefined {
  const { organizationId, connectionName, subject, accountId } = query;
  const named = [...rows.connections.values()].filter(({ name }) => name === connectionName);
  const connection =
    named.find((each) => each.organizationId === organizationId) ?? named.find((each) => each.organizationId === null);
  if (connection === undefined) return undefined;
  const grants = byCreation(rows.grants.values()).filter(({ connectionId }) => connectionId === connection.id);
  const ofSubject = (owner: string | null) =>
    grants.filter((grant) => grant.organizationId === owner && grant.subject === subject);
  const own = ofSubject(organizationId);
  const isShared =
    organizationId !== null &&
    subject === null &&
    connection.organizationId === null &&
    connection.settings.shareWithOrganizations;
  // A grant of the organisation's own hides the shared one, whatever account the query names.
  const offered = own.length === 0 && isShared ? ofSubject(null) : own;
  return {
    connectionId: connection.id,
    connectionName,
    organizationId: connection.organizationId,
    flow: connection.settings.flow,
    provider: connection.settings.provider,
    grants: offered
      .filter((grant) => accountId === null || grant.accountId === accountId)
      .slice(0, maxAccountsNamed)
      .map(toServable),
  };
}

function toServable(grant: Grant): ServableGrant {
  return {
    id: grant.id,
    connectionId: grant.connectionId,
    organizationId: grant.organizationId,
    subject: grant.subject,
    accountId: grant.accountId,
    status: grant.status,
    statusReason: grant.statusReason,
    statusMessage: grant.statusMessage,
    sealedTokens: grant.sealedTokens,
    metadata: grant.metadata,
    longestLifetimeSeconds: grant.longestLifetimeSeconds,
    reportedVersion: grant.reportedVersion,
    version: grant.version,
    retryAt: grant.retryAt,
    refreshStartedAt: grant.refreshStartedAt,
  };
}
