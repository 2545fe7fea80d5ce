import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { Flow } from '../../domain/connections/connection.ts';
import type { Grant, GrantStatus, LastError, StatusReason } from '../../domain/grants/grant.ts';
import type { NextAction } from '../../domain/next-action.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';

/** A connection or a grant, as far as the reasons look at it. */
export interface ExplainedState {
  status: GrantStatus;
  reason: StatusReason | null;
  message: string | null;
  flow: Flow;
  nextAction: NextAction;
  lastError: LastError | null;
  nextRefreshAt: Date | null;
  /** Grant that serves a fetch; null if there is none. */
  grant: Grant | null;
  /** The connection, which tells the state if there is no grant; null for a grant. */
  record: ConnectionRecord | null;
}

export function stateOfConnection(view: ConnectionView): ExplainedState {
  return {
    status: view.status,
    reason: view.statusReason,
    message: view.statusMessage,
    flow: view.connection.settings.flow,
    nextAction: view.nextAction,
    lastError: view.lastError,
    nextRefreshAt: view.nextRefreshAt,
    grant: view.served,
    record: view,
  };
}

/** `flow` is that of the grant's connection. */
export function stateOfGrant(view: GrantView, flow: Flow): ExplainedState {
  return {
    status: view.status,
    reason: view.statusReason,
    message: view.statusMessage,
    flow,
    nextAction: view.nextAction,
    lastError: view.lastError,
    nextRefreshAt: view.nextRefreshAt,
    grant: view,
    record: null,
  };
}
