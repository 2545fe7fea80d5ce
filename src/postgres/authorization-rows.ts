import type { Insertable, Selectable } from 'kysely';
import type { Authorization } from '../domain/authorization.ts';
import type { AuthorizationsTable } from './tables.ts';

export function toAuthorization(row: Selectable<AuthorizationsTable>): Authorization {
  return {
    stateHash: row.state_hash,
    connectionId: row.connection_id,
    configVersion: row.config_version,
    organizationId: row.organization_id,
    subject: row.subject,
    accountId: row.account_id,
    allowAccountChange: row.allow_account_change,
    scopes: row.scopes,
    loginHint: row.login_hint,
    prompt: row.prompt,
    returnUrl: row.return_url,
    redirectUri: row.redirect_uri,
    sealedVerifier: row.sealed_verifier,
    browserHash: row.browser_hash,
    status: row.status,
    statusReason: row.status_reason,
    statusMessage: row.status_message,
    connectedAccountId: row.connected_account_id,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

export function fromAuthorization(trip: Authorization): Insertable<AuthorizationsTable> {
  return {
    state_hash: trip.stateHash,
    connection_id: trip.connectionId,
    config_version: trip.configVersion,
    organization_id: trip.organizationId,
    subject: trip.subject,
    account_id: trip.accountId,
    allow_account_change: trip.allowAccountChange,
    scopes: [...trip.scopes],
    login_hint: trip.loginHint,
    prompt: trip.prompt,
    return_url: trip.returnUrl,
    redirect_uri: trip.redirectUri,
    sealed_verifier: trip.sealedVerifier,
    browser_hash: trip.browserHash,
    status: trip.status,
    status_reason: trip.statusReason,
    status_message: trip.statusMessage,
    connected_account_id: trip.connectedAccountId,
    created_by: trip.createdBy,
    created_at: trip.createdAt,
    expires_at: trip.expiresAt,
  };
}
