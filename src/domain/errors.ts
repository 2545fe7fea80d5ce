import type { GrantStatus, StatusReason } from './grants/grant.ts';
import type { NextAction } from './next-action.ts';

/**
 * One fault of a request. `path` is dotted (`scopes.0`, `query.min_ttl`); `message` is for the author of the request.
 */
export interface Fault {
  path: string;
  message: string;
}

/**
 * Error codes of the broker with the members that each refusal carries. The codes are public and stable. Each transport
 * maps them to its own status and title. `next_action` overrides the step that next-action-of-refusal.ts names.
 */
export interface BrokerErrorDetails {
  invalid_request: { errors: Fault[] };
  request_timeout: Record<never, never>;
  client_secret_required: { changed: string[] };
  dependent_workflows: { dependent_workflows: { workflow_id: string; workflow_name: string | null }[] };
  would_disconnect: { grants: number; organizations: number };
  flow_not_interactive: Record<never, never>;
  not_refreshable: { next_action?: NextAction };
  min_ttl_unsatisfiable: { lifetime: number | null };
  unauthorized: Record<never, never>;
  forbidden: { required_permission?: string };
  import_not_allowed: Record<never, never>;
  workflow_disabled: { disabled_reason: string; disabled_at: string; connection_name: string | null };
  insufficient_scope: { missing_scopes: string[]; next_action?: NextAction };
  not_found: Record<never, never>;
  method_not_allowed: { allow: string[] };
  connection_not_found: Record<never, never>;
  grant_not_found: { next_action?: NextAction };
  connection_exists: Record<never, never>;
  /** `account_names`: name of each account at the provider; null if the provider gave none. */
  account_ambiguous: { accounts: string[]; account_names: Record<string, string | null> };
  /** `values`: number of stored values by column. `retirable_from`: null while the key seals. */
  data_key_in_use: {
    values: Record<string, number>;
    processes: { id: string; host: string; is_live: boolean }[];
    retirable_from: string | null;
  };
  precondition_failed: Record<never, never>;
  payload_too_large: Record<never, never>;
  unsupported_media_type: Record<never, never>;
  rate_limited: { retry_after: number };
  connection_not_ready: {
    connection_status: GrantStatus;
    status_reason: StatusReason | null;
    status_message: string | null;
    next_action: NextAction;
    /** Present exactly if next_action is wait. */
    retry_after?: number;
  };
  /** `status_reason`: reason of an authorization that has ended; null for one that has not. */
  confirmation_refused: { status_reason: StatusReason | null; next_action: NextAction };
  provider_unavailable: { retry_after: number };
  service_unavailable: { retry_after: number };
  internal_error: Record<never, never>;
}

export type BrokerErrorCode = keyof BrokerErrorDetails;

/** Codes whose members are all optional. Only these may be raised without details. */
type BareCode = {
  [C in BrokerErrorCode]: Record<never, never> extends BrokerErrorDetails[C] ? C : never;
}[BrokerErrorCode];

/** The one error that crosses layers. `message` is public; `cause` goes to the log and never leaves the process. */
export class BrokerError<C extends BrokerErrorCode = BrokerErrorCode> extends Error {
  override readonly name = 'BrokerError';
  readonly code: C;
  readonly details: BrokerErrorDetails[C];

  private constructor(code: C, message: string, details: BrokerErrorDetails[C], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  static of<C extends BareCode>(code: C, message: string, cause?: unknown): BrokerError<C> {
    return new BrokerError(code, message, {} as BrokerErrorDetails[C], cause);
  }

  static with<C extends BrokerErrorCode>(
    code: C,
    message: string,
    details: BrokerErrorDetails[C],
    cause?: unknown,
  ): BrokerError<C> {
    return new BrokerError(code, message, details, cause);
  }
}

export function isBrokerError<C extends BrokerErrorCode>(error: unknown, code: C): error is BrokerError<C>;
export function isBrokerError(error: unknown): error is BrokerError;
export function isBrokerError(error: unknown, code?: BrokerErrorCode): boolean {
  return error instanceof BrokerError && (code === undefined || error.code === code);
}

/** Builds `invalid_request` from its faults. */
export function invalidRequest(...errors: [Fault, ...Fault[]]): BrokerError<'invalid_request'> {
  const summary = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return BrokerError.with('invalid_request', summary, { errors });
}
