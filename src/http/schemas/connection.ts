import { z } from 'zod';
import type { ConnectionView } from '../../broker/connection-view.ts';
import { flows, tokenAuthMethods } from '../../domain/connection.ts';
import { grantStatuses, statusReasons } from '../../domain/grant.ts';
import { isoOrNull, time, timeOrNull } from './text.ts';

const summaryShape = {
  id: z.string(),
  organization_id: z.string().nullable().describe('The owner; null for a global connection.'),
  connection_name: z.string(),
  provider: z.string(),
  oauth_flow_type: z.enum(flows),
  has_client_secret: z.boolean(),
  scopes: z.array(z.string()),
  status: z.enum(grantStatuses),
  status_reason: z.enum(statusReasons).nullable(),
  status_message: z.string().nullable(),
  expires_at: timeOrNull.describe('When the access token in use dies.'),
  last_refresh_at: timeOrNull,
  next_refresh_at: timeOrNull,
  last_test_at: timeOrNull,
  health_status: z.enum(['healthy', 'unhealthy']).nullable(),
  health_error: z.string().nullable(),
  multi_account: z.boolean(),
  share_with_organizations: z.boolean(),
  description: z.string().nullable(),
  created_by: z.string(),
  created_at: time,
  updated_at: time,
};

export const connectionSummary = z
  .object({
    ...summaryShape,
    shadowed: z.boolean().describe('A global connection hidden behind the organisation’s own of the same name.'),
  })
  .meta({ id: 'ConnectionSummary' });

export const connectionDetail = z
  .object({
    ...summaryShape,
    client_id: z.string(),
    authorization_url: z.string().nullable().describe('In force: the connection’s own, else the template’s.'),
    token_url: z.string().nullable(),
    revocation_url: z.string().nullable(),
    test_url: z.string().nullable(),
    redirect_uri: z.string().describe('To be registered at the provider.'),
    token_auth_method: z.enum(tokenAuthMethods).nullable().describe('Null: what the template says.'),
    variables: z.record(z.string(), z.string()),
    authorize_params: z.record(z.string(), z.string()),
    token_params: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Connection' });

export const connectionList = z
  .object({
    connections: z.array(connectionSummary),
    count: z.number().int().describe('All that match, on every page.'),
    next_cursor: z.string().nullable(),
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
    expires_at: isoOrNull(served?.facts?.expiresAt),
    last_refresh_at: isoOrNull(served?.lastRefreshAt),
    next_refresh_at: isoOrNull(view.nextRefreshAt),
    last_test_at: isoOrNull(served?.lastTestAt),
    health_status: served?.health ?? null,
    health_error: served?.healthError ?? null,
    multi_account: settings.multiAccount,
    share_with_organizations: settings.shareWithOrganizations,
    description: settings.description,
    created_by: connection.createdBy,
    created_at: connection.createdAt.toISOString(),
    updated_at: connection.updatedAt.toISOString(),
  };
}

export function toSummary(view: ConnectionView): z.input<typeof connectionSummary> {
  return { ...shared(view), shadowed: view.shadowed };
}

export function toDetail(view: ConnectionView): z.input<typeof connectionDetail> {
  const { settings } = view.connection;
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
    authorize_params: settings.authorizeParams,
    token_params: settings.tokenParams,
  };
}
