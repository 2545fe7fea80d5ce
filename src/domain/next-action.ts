import type { Flow } from './connections/connection.ts';
import { isRefusedToken } from './grants/failure-policy.ts';
import type { GrantStatus, StatusReason } from './grants/grant.ts';

export const nextActions = ['authorize', 'reconfigure', 'wait', 'none'] as const;
/**
 * Step that brings a credential back.
 * - authorize: a person must connect.
 * - reconfigure: an administrator must change the connection, or import tokens.
 * - wait: it comes back by itself.
 * - none: nothing is to be done.
 */
export type NextAction = (typeof nextActions)[number];

export interface Situation {
  status: GrantStatus;
  reason: StatusReason | null;
  /** Flow of the connection; null if it is not known. */
  flow: Flow | null;
  /** Whether the broker tries again by itself. */
  isRetried: boolean;
  /** Who must act after the failed authorization that the status comes from; null or absent if it comes from elsewhere. */
  afterAuthorization?: NextAction | null;
}

/** Decides who must act on a grant or a connection. */
export function nextAction({ status, reason, flow, isRetried, afterAuthorization }: Situation): NextAction {
  if (status === 'completed') return 'none';
  if (status === 'testing') return 'wait';
  if (reason === 'client_rejected' || reason === 'configuration_rejected') return 'reconfigure';
  if (flow !== null && flow !== 'authorization_code') {
    return isRetried && !isRefusedToken({ statusReason: reason }) ? 'wait' : 'reconfigure';
  }
  if (isRetried && reason === 'provider_rejected') return 'wait';
  return afterAuthorization ?? 'authorize';
}

/** Decides who must act when a grant is missing or lacks what was requested: it must be obtained anew. */
export function nextActionToConnect(flow: Flow | null, afterAuthorization: NextAction | null = null): NextAction {
  return nextAction({ status: 'not_connected', reason: null, flow, isRetried: false, afterAuthorization });
}

/** Codes of an authorization or token response that tell a mistake in the connection, whatever the person does. */
const configurationErrors: readonly string[] = [
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_response_type',
  'unsupported_grant_type',
  'invalid_target',
  'redirect_uri_mismatch',
  'admin_policy_enforced',
  'org_internal',
];

/** Decides who must act after an authorization. `error` is the provider's code. */
export function nextActionAfter(
  outcome: 'pending' | 'testing' | 'awaiting_confirmation' | 'completed' | 'failed' | 'expired',
  error: string | null,
): NextAction {
  if (outcome === 'completed') return 'none';
  if (outcome === 'testing' || outcome === 'awaiting_confirmation') return 'wait';
  return error !== null && configurationErrors.includes(error) ? 'reconfigure' : 'authorize';
}
