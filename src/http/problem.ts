import { BrokerError, type BrokerErrorCode } from '../domain/errors.ts';
import { nextActionOfRefusal } from '../domain/next-action-of-refusal.ts';

/** Status, title and documentation of each error code. A new code does not compile until it has an entry. */
export const problems = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The request breaks a rule of this API. `errors` lists every fault by its path.',
  },
  client_secret_required: {
    status: 400,
    title: 'This change needs the client secret',
    meaning: 'The edit changes where secrets or tokens are sent. Send client_secret in the same request.',
  },
  would_disconnect: {
    status: 400,
    title: 'This change disconnects working grants',
    meaning: 'The edit drops the tokens of `grants` that work. Repeat the request with confirm_disconnect=true.',
  },
  dependent_workflows: {
    status: 400,
    title: 'Workflows depend on the connection',
    meaning:
      'Deleting the connection disables the workflows that depend on it. Repeat the request with confirm_disable_workflows=true.',
  },
  flow_not_interactive: {
    status: 400,
    title: 'This flow involves no person',
    meaning: 'No person takes part in the flow of this connection, so it has no authorization link.',
  },
  not_refreshable: {
    status: 400,
    title: 'There is nothing to refresh this grant with',
    meaning: 'The grant has no refresh token. Authorize again, or import new tokens.',
  },
  min_ttl_unsatisfiable: {
    status: 400,
    title: 'No token of this grant lives that long',
    meaning:
      'No refresh can give a token that lives for min_ttl seconds. Ask for less; `lifetime` is the last known lifetime.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    meaning: 'The headers or the body did not arrive in time. The request had no effect; send it again.',
  },
  confirmation_refused: {
    status: 400,
    title: 'The authorization cannot be confirmed',
    meaning:
      'The verifier or the code is wrong, the time has passed, or the authorization is not waiting for a confirmation. A wrong try discards the tokens.',
  },
  unauthorized: {
    status: 401,
    title: 'No valid caller',
    meaning: 'The API key or workload token is missing, unknown, expired or revoked.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    meaning: 'The caller lacks the permission, organisation, global scope or connection that the request needs.',
  },
  import_not_allowed: {
    status: 403,
    title: 'The global connection takes no imports',
    meaning: 'The owner of the global connection must set allow_import before organisations may import grants.',
  },
  workflow_disabled: {
    status: 403,
    title: 'The workflow is disabled',
    meaning:
      'The fetch names a workflow that is disabled; disabled_reason says why. It works again once it is enabled.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The grant lacks a scope',
    meaning: 'The grant does not have all scopes that the request names. Authorize with the missing scopes.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'The route or the resource does not exist, or the resource belongs to another organisation.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The path does not take this method',
    meaning: 'The path exists, but not with this method. The header Allow and `allow` list its methods.',
  },
  connection_not_found: {
    status: 404,
    title: 'No such connection',
    meaning: 'No connection of this name is visible to the caller. An organisation cannot change a global connection.',
  },
  grant_not_found: {
    status: 404,
    title: 'No such grant',
    meaning: 'The connection has no grant for this subject and account.',
  },
  connection_exists: {
    status: 409,
    title: 'The connection exists already',
    meaning: 'The organisation, or the global scope, already has a connection of this name.',
  },
  account_ambiguous: {
    status: 409,
    title: 'Several accounts could be meant',
    meaning: 'Several accounts have a grant. Repeat the request with one of `accounts` as account_id.',
  },
  data_key_in_use: {
    status: 409,
    title: 'The data key is in use',
    meaning: 'Stored values, a process or unsaved tokens need the data key. `values` and `processes` say which.',
  },
  precondition_failed: {
    status: 412,
    title: 'The connection was changed in the meantime',
    meaning: 'If-Match does not name the current ETag. Read the connection again before you edit it.',
  },
  payload_too_large: {
    status: 413,
    title: 'The request is too large',
    meaning: 'The body or the headers exceed their size limit.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The media type is not supported',
    meaning:
      'The route does not accept the media type, the charset or the content coding of the body. Send JSON in UTF-8.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    meaning: 'Wait for the seconds in Retry-After before the next attempt.',
  },
  internal_error: {
    status: 500,
    title: 'The broker failed',
    meaning: 'An unexpected failure of the broker. Its log has the details under the request id in `instance`.',
  },
  connection_not_ready: {
    status: 503,
    title: 'The connection has no live token',
    meaning: 'The connection has no valid token; status_reason says why. Retry-After is present if waiting helps.',
  },
  provider_unavailable: {
    status: 503,
    title: 'The provider does not answer',
    meaning:
      'The provider cannot be reached or fails, and no suitable token is left. Retry after the seconds in Retry-After.',
  },
  service_unavailable: {
    status: 503,
    title: 'The broker cannot serve this now',
    meaning:
      'A part that the broker needs, such as its database, is unavailable. Retry after the seconds in Retry-After.',
  },
} as const satisfies Record<BrokerErrorCode, { status: number; title: string; meaning: string }>;

export const problemMediaType = 'application/problem+json';

/** Problem details (RFC 9457). `code` is stable; the details of the code add further members. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: BrokerErrorCode;
  [member: string]: unknown;
}

/** Builds the problem. `type` links to the entry of the code on the documentation page. */
export function toProblem(error: BrokerError, requestId: string, publicPath: string): Problem {
  const { status, title } = problems[error.code];
  const nextAction = nextActionOfRefusal(error);
  return {
    ...error.details,
    ...(nextAction === undefined ? {} : { next_action: nextAction }),
    type: `${publicPath}/docs#${error.code}`,
    title,
    status,
    detail: error.message,
    instance: requestId,
    code: error.code,
  };
}

export function notFound(message = 'There is nothing here.'): BrokerError<'not_found'> {
  return BrokerError.of('not_found', message);
}
