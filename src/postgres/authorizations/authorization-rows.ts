import type { Insertable, Selectable } from 'kysely';
import type { Authorization, WaitingTokens } from '../../domain/authorization.ts';
import type { AuthorizationsTable } from '../authorizations-table.ts';
import { fromOutcomeDetails, toOutcomeDetails } from '../outcome-details.ts';

/** Columns that make up an authorization. */
export const authorizationColumns = [
  'state_hash',
  'connection_id',
  'config_version',
  'organization_id',
  'subject',
  'subject_label',
  'account_id',
  'allow_account_change',
  'expected_account',
  'authorization_id',
  'binding_challenge',
  'sealed_waiting',
  'confirmation_code_hash',
  'confirm_until',
  'scopes',
  'login_hint',
  'prompt',
  'return_url',
  'client_state',
  'redirect_uri',
  'sealed_verifier',
  'browser_hash',
  'callback_hash',
  'status',
  'status_reason',
  'status_message',
  'error',
  'error_description',
  'connected_account_id',
  'connected_account_name',
  'outcome_details',
  'created_by',
  'created_at',
  'expires_at',
] as const satisfies readonly (keyof AuthorizationsTable)[];
export type AuthorizationRow = Pick<Selectable<AuthorizationsTable>, (typeof authorizationColumns)[number]>;

export function toAuthorization(row: AuthorizationRow): Authorization {
  return {
    stateHash: row.state_hash,
    connectionId: row.connection_id,
    configVersion: row.config_version,
    organizationId: row.organization_id,
    subject: row.subject,
    subjectLabel: row.subject_label,
    accountId: row.account_id,
    allowAccountChange: row.allow_account_change,
    expectedAccount: row.expected_account,
    binding: toBinding(row),
    waiting: toWaiting(row),
    scopes: row.scopes,
    loginHint: row.login_hint,
    prompt: row.prompt,
    returnUrl: row.return_url,
    clientState: row.client_state,
    redirectUri: row.redirect_uri,
    sealedVerifier: row.sealed_verifier,
    browserHash: row.browser_hash,
    callbackHash: row.callback_hash,
    status: row.status,
    statusReason: row.status_reason,
    statusMessage: row.status_message,
    error: row.error,
    errorDescription: row.error_description,
    connectedAccountId: row.connected_account_id,
    connectedAccountName: row.connected_account_name,
    details: toOutcomeDetails(row.outcome_details),
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

function toBinding({ authorization_id: authorizationId, binding_challenge: challenge }: AuthorizationRow) {
  return authorizationId === null || challenge === null ? null : { authorizationId, challenge };
}

function toWaiting({
  sealed_waiting: sealed,
  confirmation_code_hash: codeHash,
  confirm_until: until,
}: AuthorizationRow) {
  return codeHash === null || until === null ? null : { sealed, codeHash, until };
}

export function fromWaiting(waiting: WaitingTokens | null) {
  return {
    sealed_waiting: waiting?.sealed ?? null,
    confirmation_code_hash: waiting?.codeHash ?? null,
    confirm_until: waiting?.until ?? null,
  };
}

export function fromAuthorization(authorization: Authorization): Insertable<AuthorizationsTable> {
  return {
    state_hash: authorization.stateHash,
    connection_id: authorization.connectionId,
    config_version: authorization.configVersion,
    organization_id: authorization.organizationId,
    subject: authorization.subject,
    subject_label: authorization.subjectLabel,
    account_id: authorization.accountId,
    allow_account_change: authorization.allowAccountChange,
    expected_account: authorization.expectedAccount && JSON.stringify(authorization.expectedAccount),
    authorization_id: authorization.binding?.authorizationId ?? null,
    binding_challenge: authorization.binding?.challenge ?? null,
    ...fromWaiting(authorization.waiting),
    scopes: [...authorization.scopes],
    login_hint: authorization.loginHint,
    prompt: authorization.prompt,
    return_url: authorization.returnUrl,
    client_state: authorization.clientState,
    redirect_uri: authorization.redirectUri,
    sealed_verifier: authorization.sealedVerifier,
    browser_hash: authorization.browserHash,
    callback_hash: authorization.callbackHash,
    status: authorization.status,
    status_reason: authorization.statusReason,
    status_message: authorization.statusMessage,
    error: authorization.error,
    error_description: authorization.errorDescription,
    connected_account_id: authorization.connectedAccountId,
    connected_account_name: authorization.connectedAccountName,
    outcome_details: fromOutcomeDetails(authorization.details),
    created_by: authorization.createdBy,
    created_at: authorization.createdAt,
    expires_at: authorization.expiresAt,
  };
}
