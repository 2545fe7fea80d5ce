import { BrokerError, type BrokerErrorCode } from '../domain/errors.ts';

/** What each code means on HTTP. A code without a line here does not compile. */
export const problems = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  client_secret_required: { status: 400, title: 'This change needs the client secret' },
  flow_not_interactive: { status: 400, title: 'This flow involves no person' },
  not_refreshable: { status: 400, title: 'There is nothing to refresh this grant with' },
  min_ttl_unsatisfiable: { status: 400, title: 'No token of this grant lives that long' },
  dependent_workflows: { status: 400, title: 'Workflows depend on this connection' },
  unauthorized: { status: 401, title: 'No valid caller' },
  forbidden: { status: 403, title: 'Not allowed' },
  insufficient_scope: { status: 403, title: 'The grant lacks a scope' },
  workflow_disabled: { status: 403, title: 'The workflow is disabled' },
  not_found: { status: 404, title: 'Not found' },
  connection_not_found: { status: 404, title: 'No such connection' },
  grant_not_found: { status: 404, title: 'No such grant' },
  connection_exists: { status: 409, title: 'The connection exists already' },
  account_ambiguous: { status: 409, title: 'Several accounts could be meant' },
  precondition_failed: { status: 412, title: 'The connection was changed in the meantime' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'The broker failed' },
  connection_not_ready: { status: 503, title: 'The connection has no live token' },
  provider_unavailable: { status: 503, title: 'The provider does not answer' },
  service_unavailable: { status: 503, title: 'The broker cannot serve this now' },
} as const satisfies Record<BrokerErrorCode, { status: number; title: string }>;

export const problemMediaType = 'application/problem+json';

/** RFC 9457. Members beyond the first six are those the code's details carry. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: BrokerErrorCode;
  [member: string]: unknown;
}

/** `type` leads to the paragraph on that code in the readable documentation. */
export function toProblem(error: BrokerError, requestId: string, basePath: string): Problem {
  const { status, title } = problems[error.code];
  return {
    ...error.details,
    type: `${basePath}/docs#${error.code}`,
    title,
    status,
    detail: error.message,
    instance: requestId,
    code: error.code,
  };
}

/** Whole seconds, at least one: a zero invites an immediate retry. */
export function retryAfterSeconds(error: BrokerError): number | undefined {
  const seconds = 'retry_after' in error.details ? error.details.retry_after : undefined;
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
}

export function headersOf(error: BrokerError): Record<string, string> {
  const retryAfter = retryAfterSeconds(error);
  return {
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    // RFC 9110 §11.6.1: a 401 names at least one challenge.
    ...(error.code === 'unauthorized' ? { 'www-authenticate': 'Bearer realm="token-broker"' } : {}),
  };
}

export function notFound(message = 'There is nothing here.'): BrokerError<'not_found'> {
  return BrokerError.of('not_found', message);
}
