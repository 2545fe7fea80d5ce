import type { Insertable, Selectable } from 'kysely';
import type { Connection } from '../../domain/connections/connection.ts';
import type { ConnectionsTable } from '../tables.ts';

/** Columns that make up a connection. */
export const connectionColumns = [
  'id',
  'organization_id',
  'name',
  'provider',
  'flow',
  'client_id',
  'sealed_client_secrets',
  'client_secret_fingerprint',
  'client_secret_refused_at',
  'secret_test_origin',
  'secret_revocation_origin',
  'authorization_url',
  'token_url',
  'revocation_url',
  'test_url',
  'token_auth_method',
  'variables',
  'scopes',
  'authorize_params',
  'token_params',
  'multi_account',
  'share_with_organizations',
  'allow_import',
  'pkce',
  'terminal_errors',
  'error_path',
  'description',
  'managed_by',
  'config_version',
  'revision',
  'applied_revision',
  'created_by',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof ConnectionsTable)[];
export type ConnectionRow = Pick<Selectable<ConnectionsTable>, (typeof connectionColumns)[number]>;

export function toConnection(row: ConnectionRow): Connection {
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
      allowImport: row.allow_import,
      pkce: row.pkce,
      terminalErrors: row.terminal_errors,
      errorPath: row.error_path,
      description: row.description,
      managedBy: row.managed_by,
    },
    sealedClientSecrets: row.sealed_client_secrets,
    clientSecretFingerprint: row.client_secret_fingerprint,
    clientSecretRefusedAt: row.client_secret_refused_at,
    secretOrigins: { testUrl: row.secret_test_origin, revocationUrl: row.secret_revocation_origin },
    configVersion: row.config_version,
    revision: row.revision,
    appliedRevision: row.applied_revision,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Values of the columns that an edit may change. */
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
    allow_import: settings.allowImport,
    pkce: settings.pkce,
    terminal_errors: [...settings.terminalErrors],
    error_path: settings.errorPath,
    description: settings.description,
    managed_by: settings.managedBy,
    sealed_client_secrets: connection.sealedClientSecrets,
    client_secret_fingerprint: connection.clientSecretFingerprint,
    client_secret_refused_at: connection.clientSecretRefusedAt,
    secret_test_origin: connection.secretOrigins.testUrl,
    secret_revocation_origin: connection.secretOrigins.revocationUrl,
    config_version: connection.configVersion,
    revision: connection.revision,
    applied_revision: connection.appliedRevision,
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
