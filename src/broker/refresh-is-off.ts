import { BrokerError } from '../domain/errors.ts';
import type { GrantStatus, StatusReason } from '../domain/grants/grant.ts';

interface RefusedState {
  status: GrantStatus;
  statusReason: StatusReason | null;
}

/** Refuses a request that needs a token endpoint. Waiting does not help, so there is no Retry-After. */
export function refreshIsOff({ status, statusReason }: RefusedState): BrokerError {
  const message =
    'REFRESH_MODE is off: this installation is a copy and calls no token endpoint. It serves tokens until they expire.';
  return BrokerError.with('connection_not_ready', message, {
    connection_status: status,
    status_reason: statusReason,
    status_message: message,
    next_action: 'reconfigure',
  });
}
