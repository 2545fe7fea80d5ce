import type { Flow } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import { nextActionOfFailure } from '../../domain/failed-authorization.ts';
import type { ServableGrant } from '../../domain/grants/credential.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { NotReady, Serving } from '../../domain/grants/serving.ts';
import { type NextAction, nextAction, nextActionToConnect } from '../../domain/next-action.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';

/** Retry-After while a refresh is under way and its end is not known. */
export const retrySoonSeconds = 5;

/** Builds the refusal of a fetch from the decision about its grant. */
export function refusal(serving: Exclude<Serving, { kind: 'serve' }>, flow: Flow, now: Date): BrokerError {
  switch (serving.kind) {
    case 'refresh':
      return unavailable(retrySoonSeconds, 'The provider has not given a token that lives long enough yet.');
    case 'too_early':
      return unavailable(
        secondsUntil(serving.retryAt, now),
        'The provider did not answer a moment ago and is not asked again yet.',
      );
    case 'unsatisfiable':
      return BrokerError.with(
        'min_ttl_unsatisfiable',
        'No access token of this grant can be promised to live that long.',
        { lifetime: serving.lifetimeSeconds },
      );
    case 'not_ready':
      return notReady(serving, flow, now);
  }
}

/** `flow` is that of the connection, null if it is not known. Retry-After is present exactly if waiting helps. */
export function notReady(
  { status, reason, message, retryAt, afterAuthorization = null }: NotReady,
  flow: Flow | null,
  now: Date,
  detail = 'The connection has no usable token.',
): BrokerError {
  const action = nextAction({ status, reason, flow, isRetried: retryAt !== null, afterAuthorization });
  return BrokerError.with('connection_not_ready', message ?? detail, {
    connection_status: status,
    status_reason: reason,
    status_message: message,
    next_action: action,
    ...(action === 'wait' && { retry_after: retryAt === null ? retrySoonSeconds : secondsUntil(retryAt, now) }),
  });
}

/** Refuses a request that several accounts match, and lists them as a person knows them. */
export function ambiguous(grants: readonly Pick<Grant, 'accountId' | 'accountName'>[]): BrokerError {
  const named = grants.flatMap(({ accountId, accountName }) =>
    accountId === null ? [] : [[accountId, accountName] as const],
  );
  return BrokerError.with('account_ambiguous', 'Several accounts are connected; name one with account_id.', {
    accounts: named.map(([id]) => id),
    account_names: Object.fromEntries(named),
  });
}

/** Explains a connection without a grant by its latest authorization. */
export function notConnected(record: ConnectionRecord, now: Date, detail: string): BrokerError {
  const { connection, status, statusReason: reason, statusMessage: message, failure } = record;
  const afterAuthorization = nextActionOfFailure(failure, connection);
  return notReady(
    { status, reason, message, retryAt: null, afterAuthorization },
    connection.settings.flow,
    now,
    detail,
  );
}

/** Refuses a request for a grant that does not exist. */
export function grantNotFound(message: string, flow: Flow, afterAuthorization: NextAction | null = null): BrokerError {
  return BrokerError.with('grant_not_found', message, { next_action: nextActionToConnect(flow, afterAuthorization) });
}

export function unavailable(retryAfterSeconds: number, message: string): BrokerError {
  return BrokerError.with('provider_unavailable', message, { retry_after: retryAfterSeconds });
}

export function secondsUntil(date: Date, now: Date): number {
  return Math.max(1, Math.ceil((date.getTime() - now.getTime()) / 1000));
}

/** Describes the state of a grant in the terms of a refusal. */
export function stateOf({ status, statusReason, statusMessage, retryAt }: StateOfGrant): NotReady {
  return { status, reason: statusReason, message: statusMessage, retryAt };
}

type StateOfGrant = Pick<ServableGrant, 'status' | 'statusReason' | 'statusMessage' | 'retryAt'>;

/** Describes a grant whose token was reported as rejected. Such a token counts as expired whatever its dates are. */
export function endOf(grant: StateOfGrant): NotReady {
  if (grant.status !== 'completed') return stateOf(grant);
  const message = 'The access token was rejected and there is nothing to refresh it with.';
  return { status: 'failed', reason: 'token_expired', message, retryAt: null };
}
