import type { ErrorCode } from './types/problem.ts';
import type { NextAction } from './types/vocabulary.ts';

/** Everything that an error tells besides its message. */
export interface ErrorDetails {
  code: ErrorCode;
  /** HTTP status of the broker; 0 without a response. */
  status: number;
  /** Id of the request in the broker's log. */
  requestId: string | undefined;
  /** Seconds to wait before the next attempt. */
  retryAfter: number | undefined;
  /** Who must act: a person (authorize), an administrator (reconfigure), time (wait), or none. */
  nextAction: NextAction | undefined;
  /** Further members of the problem, such as `accounts` of account_ambiguous. */
  members: Readonly<Record<string, unknown>>;
}

/** Refusal of the broker, or a failure to reach it. The message says what to change and holds no secret. */
export class TokenBrokerError extends Error implements ErrorDetails {
  override readonly name: string = 'TokenBrokerError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;
  readonly nextAction: NextAction | undefined;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Partial<ErrorDetails> & Pick<ErrorDetails, 'code'>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = details.code;
    this.status = details.status ?? 0;
    this.requestId = details.requestId;
    this.retryAfter = details.retryAfter;
    this.nextAction = details.nextAction;
    this.members = details.members ?? {};
  }
}

/** The connection has no valid token. `nextAction` says who must act, `members.status_reason` says why. */
export class NotReady extends TokenBrokerError {
  override readonly name = 'NotReady';
}

/** The broker or the provider cannot answer now. Waiting helps; `retryAfter` says how long if that is known. */
export class Unavailable extends TokenBrokerError {
  override readonly name = 'Unavailable';
}

/** The connection, grant or other resource does not exist, or the caller may not see it. */
export class NotFound extends TokenBrokerError {
  override readonly name = 'NotFound';
}

/** Codes for which waiting helps. */
const unavailableCodes: readonly ErrorCode[] = [
  'provider_unavailable',
  'service_unavailable',
  'rate_limited',
  'network_error',
  'timeout',
];
/** Statuses of a gateway between the client and the broker: its responses carry no code. */
const gatewayStatuses: readonly number[] = [429, 502, 503, 504];

/** Builds the error of the class that fits the code and the status. */
export function toError(message: string, details: ErrorDetails, cause?: unknown): TokenBrokerError {
  const { code, status } = details;
  if (code === 'connection_not_ready') return new NotReady(message, details, cause);
  const isGateway = code === 'unexpected_response' && gatewayStatuses.includes(status);
  if (isGateway || unavailableCodes.includes(code)) return new Unavailable(message, details, cause);
  // A 404 without a problem is a wrong address of the broker, not an absent resource.
  if (status === 404 && code !== 'unexpected_response') return new NotFound(message, details, cause);
  return new TokenBrokerError(message, details, cause);
}

/** Builds the error of a call that got no response. */
export function withoutResponse(code: 'network_error' | 'timeout', message: string, cause?: unknown): Unavailable {
  return new Unavailable(message, { code, nextAction: 'wait' }, cause);
}
