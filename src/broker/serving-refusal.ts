import type { ServableGrant } from '../domain/credential.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Serving } from '../domain/serving.ts';

export const retrySoonSeconds = 5;

/** Of a fetch, by what was decided about the grant it found. */
export function refusal(serving: Exclude<Serving, { kind: 'serve' }>, now: Date): BrokerError {
  switch (serving.kind) {
    case 'refresh':
      return unavailable(retrySoonSeconds, 'The token could not be refreshed yet.');
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
      return notReady(serving);
  }
}

export function notReady({ status, reason, message }: Extract<Serving, { kind: 'not_ready' }>): BrokerError {
  return BrokerError.with('connection_not_ready', message ?? 'The connection has no usable token.', {
    connection_status: status,
    status_reason: reason,
    status_message: message,
  });
}

export function unavailable(retryAfterSeconds: number, message: string): BrokerError {
  return BrokerError.with('provider_unavailable', message, { retry_after: retryAfterSeconds });
}

export function secondsUntil(date: Date, now: Date): number {
  return Math.max(1, Math.ceil((date.getTime() - now.getTime()) / 1000));
}

/** Of a grant whose token was reported as rejected: as good as expired, whatever its dates say. */
export function endOf({ status, statusReason, statusMessage }: ServableGrant): Extract<Serving, { kind: 'not_ready' }> {
  if (status !== 'completed') return { kind: 'not_ready', status, reason: statusReason, message: statusMessage };
  const message = 'The access token was rejected and there is nothing to refresh it with.';
  return { kind: 'not_ready', status: 'failed', reason: 'token_expired', message };
}
