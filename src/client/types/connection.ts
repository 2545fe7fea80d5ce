import type {
  Flow,
  GrantStatus,
  Health,
  LastError,
  NextAction,
  StatusReason,
  TokenAuthMethod,
  Warning,
} from './vocabulary.ts';

/** Members that lists and details of connections share. */
interface ConnectionBase {
  id: string;
  /** Organisation that owns the connection; null for a global connection. */
  organization_id: string | null;
  connection_name: string;
  provider: string;
  oauth_flow_type: Flow;
  has_client_secret: boolean;
  scopes: string[];
  status: GrantStatus;
  status_reason: StatusReason | null;
  status_message: string | null;
  next_action: NextAction;
  refreshable: boolean;
  warnings: Warning[];
  last_error: LastError | null;
  expires_at: string | null;
  last_refresh_at: string | null;
  next_refresh_at: string | null;
  last_test_at: string | null;
  health_status: Health | null;
  health_error: string | null;
  multi_account: boolean;
  share_with_organizations: boolean;
  allow_import: boolean;
  pkce: boolean | null;
  terminal_errors: string[];
  error_path: string | null;
  description: string | null;
  /** Name of the file that the connection is kept in. */
  managed_by: string | null;
  /** Whether the connection was edited by other means since that file was applied. */
  drifted: boolean;
  created_by: string;
  created_at: string;
  updated_at: string;
}

export interface ConnectionSummary extends ConnectionBase {
  /** True for a global connection that the organisation's connection of the same name replaces. */
  shadowed: boolean;
}

export interface Connection extends ConnectionBase {
  client_id: string;
  authorization_url: string | null;
  token_url: string | null;
  revocation_url: string | null;
  test_url: string | null;
  /** Redirect URI to register at the provider. */
  redirect_uri: string;
  token_auth_method: TokenAuthMethod | null;
  variables: Record<string, string>;
  /** Null if an organisation reads a global connection; the same holds for token_params. */
  authorize_params: Record<string, string> | null;
  token_params: Record<string, string> | null;
}

export interface ConnectionList {
  connections: ConnectionSummary[];
  /** Number of connections that match, over all pages. */
  count: number;
  next_cursor: string | null;
}

export interface ConnectionListQuery {
  /** Also lists global connections. Default: true. */
  include_global?: boolean | undefined;
  status?: GrantStatus | undefined;
  provider?: string | undefined;
  flow?: Flow | undefined;
  /** Text in the name or the description. */
  q?: string | undefined;
  /** Connections on a page: 1 to 200, by default 50. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Optional fields. Null and absent both mean the default. */
interface OptionalFields {
  /** Id of a provider template. Default: generic. */
  provider?: string | null | undefined;
  oauth_flow_type?: Flow | null | undefined;
  client_secret?: string | null | undefined;
  authorization_url?: string | null | undefined;
  token_url?: string | null | undefined;
  revocation_url?: string | null | undefined;
  test_url?: string | null | undefined;
  scopes?: string[] | string | null | undefined;
  token_auth_method?: TokenAuthMethod | null | undefined;
  multi_account?: boolean | null | undefined;
  share_with_organizations?: boolean | null | undefined;
  allow_import?: boolean | null | undefined;
  pkce?: boolean | null | undefined;
  terminal_errors?: string[] | null | undefined;
  error_path?: string | null | undefined;
  description?: string | null | undefined;
  managed_by?: string | null | undefined;
}

interface Parameters<Value> {
  variables?: Record<string, Value> | null | undefined;
  authorize_params?: Record<string, Value> | null | undefined;
  token_params?: Record<string, Value> | null | undefined;
}

export interface NewConnection extends OptionalFields, Parameters<string> {
  connection_name: string;
  client_id: string;
}

/** Omitted fields return to their defaults; client_secret is kept. */
export interface ConnectionReplacement extends OptionalFields, Parameters<string> {
  connection_name?: string | undefined;
  client_id: string;
}

/** JSON merge patch (RFC 7396): absent members are kept, null removes a member. */
export interface ConnectionPatch extends OptionalFields, Parameters<string | null> {
  connection_name?: string | undefined;
  client_id?: string | undefined;
}

export interface DeletedConnection {
  message: string;
  disabled_workflows: { workflow_id: string; workflow_name: string | null }[];
}

/** Value of a field as the connection's detail shows it; null for none. */
export type FieldValue = string | boolean | string[] | Record<string, string> | null;

/** Effects that a call would have without dry_run. Values of secrets are never shown. */
export interface ChangePreview {
  changes: (
    | { field: string; from: FieldValue; to: FieldValue }
    | { field: 'client_secret'; changed: true; fingerprint: string | null }
  )[];
  effects: {
    grants_disconnected: number;
    organizations_disconnected: number;
    authorizations_voided: number;
    workflows_disabled: number;
    revoked_at_provider: boolean;
    client_secret_required: boolean;
  };
  warnings: Warning[];
}
