import { z } from 'zod';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import { flows, isDrifted, type OrganizationId, tokenAuthMethods } from '../../domain/connections/connection.ts';
import { grantStatuses, statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { isoOrNull, time, timeOrNull } from './fields/text.ts';
import { lastError, toLastError, warnings } from './grant-state.ts';

const summaryShape = {
  id: z.string(),
  organization_id: z
    .string()
    .nullable()
    .describe('Organisation that owns the connection; null for a global connection.'),
  connection_name: z.string(),
  provider: z.string(),
  oauth_flow_type: z.enum(flows),
  has_client_secret: z.boolean(),
  scopes: z.array(z.string()),
  status: z.enum(grantStatuses),
  status_reason: z.enum(statusReasons).nullable(),
  status_message: z.string().nullable(),
  next_action: z
    .enum(nextActions)
    .describe('Who must act: a person (authorize), an administrator (reconfigure), the broker (wait), or none.'),
  refreshable: z.boolean().describe('Whether the grant can outlive its access token; false without a grant.'),
  warnings,
  last_error: lastError,
  expires_at: timeOrNull.describe('Time at which the current access token expires; null if unknown.'),
  last_refresh_at: timeOrNull,
  next_refresh_at: timeOrNull,
  last_test_at: timeOrNull,
  health_status: z.enum(['healthy', 'unhealthy']).nullable(),
  health_error: z.string().nullable(),
  multi_account: z.boolean(),
  share_with_organizations: z.boolean(),
  allow_import: z.boolean(),
  pkce: z.boolean().nullable().describe('Null: the value of the template is used.'),
  terminal_errors: z.array(z.string()),
  error_path: z.string().nullable().describe('Null: the value of the template is used.'),
  description: z.string().nullable(),
  managed_by: z.string().nullable().describe('Name of the file that the connection is kept in; null for none.'),
  drifted: z.boolean().describe('Whether the connection was edited by other means since that file was applied.'),
  created_by: z.string(),
  created_at: time,
  updated_at: time,
};

export const connectionSummary = z
  .object({
    ...summaryShape,
    shadowed: z
      .boolean()
      .describe('True for a global connection that the organisation’s connection of the same name replaces.'),
  })
  .meta({ id: 'ConnectionSummary' });

/** They can hold secrets of the owner, such as an API key of the provider. */
const parameters = z
  .record(z.string(), z.string())
  .nullable()
  .describe('Null if an organisation reads a global connection: only the owner sees the parameters.');

export const connectionDetail = z
  .object({
    ...summaryShape,
    client_id: z.string(),
    authorization_url: z
      .string()
      .nullable()
      .describe('URL in use: that of the connection, otherwise that of the template.'),
    token_url: z.string().nullable(),
    revocation_url: z.string().nullable(),
    test_url: z.string().nullable(),
    redirect_uri: z.string().describe('Redirect URI to register at the provider.'),
    token_auth_method: z.enum(tokenAuthMethods).nullable().describe('Null: the method of the template is used.'),
    variables: z.record(z.string(), z.string()),
    authorize_params: parameters,
    token_params: parameters,
  })
  .meta({ id: 'Connection' });

export const connectionList = z
  .object({
    connections: z.array(connectionSummary),
    count: z.number().int().describe('Number of connections that match, over all pages.'),
    next_cursor: z.string().nullable().describe('Cursor of the next page; null on the last page.'),
  })
  .meta({ id: 'ConnectionList' });

export const deletedConnection = z
  .object({
    message: z.string(),
    disabled_workflows: z.array(z.object({ workflow_id: z.string(), workflow_name: z.string().nullable() })),
  })
  .meta({ id: 'DeletedConnection' });

function shared(view: ConnectionView) {
  const { connection, served } = view;
  const { settings } = connection;
  return {
    id: connection.id,
    organization_id: connection.organizationId,
    connection_name: connection.name,
    provider: settings.provider,
    oauth_flow_type: settings.flow,
    has_client_secret: connection.sealedClientSecrets !== null,
    scopes: settings.scopes,
    status: view.status,
    status_reason: view.statusReason,
    status_message: view.statusMessage,
    next_action: view.nextAction,
    refreshable: served?.metadata?.refreshable ?? false,
    warnings: view.warnings,
    last_error: toLastError(view.lastError),
    expires_at: isoOrNull(served?.metadata?.expiresAt),
    last_refresh_at: isoOrNull(served?.lastRefreshAt),
    next_refresh_at: isoOrNull(view.nextRefreshAt),
    last_test_at: isoOrNull(served?.lastTestAt),
    health_status: served?.health ?? null,
    health_error: served?.healthError ?? null,
    multi_account: settings.multiAccount,
    share_with_organizations: settings.shareWithOrganizations,
    allow_import: settings.allowImport,
    pkce: settings.pkce,
    terminal_errors: settings.terminalErrors,
    error_path: settings.errorPath,
    description: settings.description,
    managed_by: settings.managedBy,
    drifted: isDrifted(connection),
    created_by: connection.createdBy,
    created_at: connection.createdAt.toISOString(),
    updated_at: connection.updatedAt.toISOString(),
  };
}

export function toSummary(view: ConnectionView): z.input<typeof connectionSummary> {
  return { ...shared(view), shadowed: view.shadowed };
}

/** `viewer` is the organisation that reads the connection. */
export function toDetail(view: ConnectionView, viewer: OrganizationId): z.input<typeof connectionDetail> {
  const { settings, organizationId } = view.connection;
  const isOwner = organizationId === viewer;
  return {
    ...shared(view),
    client_id: settings.clientId,
    authorization_url: view.authorizationUrl,
    token_url: view.tokenUrl,
    revocation_url: view.revocationUrl,
    test_url: view.testUrl,
    redirect_uri: view.redirectUri,
    token_auth_method: settings.tokenAuthMethod,
    variables: settings.variables,
    authorize_params: isOwner ? settings.authorizeParams : null,
    token_params: isOwner ? settings.tokenParams : null,
  };
}
