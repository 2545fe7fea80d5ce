import type { GrantStatus, StatusReason } from './grant.ts';

/** One fault of a request: `path` is dotted (`scopes.0`, `query.min_ttl`), `message` is for the person who wrote the request. */
export interface Fault {
  path: string;
  message: string;
}

/**
 * Every way the broker refuses, with the members each refusal carries. The keys are public and stable; what they mean
 * on a wire (status, title) is the business of whoever owns that wire.
 */
export interface BrokerErrorDetails {
  invalid_request: { errors: Fault[] };
  client_secret_required: { changed: string[] };
  flow_not_interactive: Record<never, never>;
  not_refreshable: Record<never, never>;
  min_ttl_unsatisfiable: { lifetime: number | null };
  dependent_workflows: { dependent_workflows: { workflow_id: string; workflow_name: string | null }[] };
  unauthorized: Record<never, never>;
  forbidden: { required_permission?: string };
  insufficient_scope: { missing_scopes: string[] };
  workflow_disabled: { reason: string | null };
  not_found: Record<never, never>;
  connection_not_found: Record<never, never>;
  grant_not_found: Record<never, never>;
  connection_exists: Record<never, never>;
  account_ambiguous: { accounts: string[] };
  precondition_failed: Record<never, never>;
  payload_too_large: Record<never, never>;
  unsupported_media_type: Record<never, never>;
  rate_limited: { retry_after: number };
  connection_not_ready: {
    connection_status: GrantStatus;
    status_reason: StatusReason | null;
    status_message: string | null;
    retry_after?: number;
  };
  provider_unavailable: { retry_after: number };
  service_unavailable: { retry_after: number };
  internal_error: Record<never, never>;
}

export type BrokerErrorCode = keyof BrokerErrorDetails;

/** Codes whose members are all optional: only these may be raised without details. */
type BareCode = {
  [C in BrokerErrorCode]: Record<never, never> extends BrokerErrorDetails[C] ? C : never;
}[BrokerErrorCode];

/** The one error that crosses layers on purpose. `message` is public; `cause` is for the log and never leaves the process. */
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

/** `invalid_request` with its faults. */
export function invalidRequest(...errors: [Fault, ...Fault[]]): BrokerError<'invalid_request'> {
  const summary = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return BrokerError.with('invalid_request', summary, { errors });
}
