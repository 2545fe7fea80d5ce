import type { Insertable, Selectable } from 'kysely';
import type { Connection } from '../domain/connection.ts';
import type { ConnectionsTable } from './tables.ts';

export function toConnection(row: Selectable<ConnectionsTable>): Connection {
  return {
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    settings: {
      provider: row.provider,
      flow: row.flow,
      clientId: row.client_id,
      authorizationUrl: row.authorization_url,
      tokenUrl: row.token_url,
      revocationUrl: row.revocation_url,
      testUrl: row.test_url,
      tokenAuthMethod: row.token_auth_method,
      variables: row.variables,
      scopes: row.scopes,
      authorizeParams: row.authorize_params,
      tokenParams: row.token_params,
      multiAccount: row.multi_account,
      shareWithOrganizations: row.share_with_organizations,
      description: row.description,
    },
    sealedClientSecrets: row.sealed_client_secrets,
    configVersion: row.config_version,
    revision: row.revision,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The columns an edit may change. */
export function editableColumns({ settings, ...connection }: Connection) {
  return {
    provider: settings.provider,
    flow: settings.flow,
    client_id: settings.clientId,
    authorization_url: settings.authorizationUrl,
    token_url: settings.tokenUrl,
    revocation_url: settings.revocationUrl,
    test_url: settings.testUrl,
    token_auth_method: settings.tokenAuthMethod,
    variables: JSON.stringify(settings.variables),
    scopes: [...settings.scopes],
    authorize_params: JSON.stringify(settings.authorizeParams),
    token_params: JSON.stringify(settings.tokenParams),
    multi_account: settings.multiAccount,
    share_with_organizations: settings.shareWithOrganizations,
    description: settings.description,
    sealed_client_secrets: connection.sealedClientSecrets,
    config_version: connection.configVersion,
    revision: connection.revision,
    updated_at: connection.updatedAt,
  };
}

export function fromConnection(connection: Connection): Insertable<ConnectionsTable> {
  return {
    ...editableColumns(connection),
    id: connection.id,
    organization_id: connection.organizationId,
    name: connection.name,
    created_by: connection.createdBy,
    created_at: connection.createdAt,
  };
}
