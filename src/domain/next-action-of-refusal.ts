import type { BrokerError, BrokerErrorCode } from './errors.ts';
import type { NextAction } from './next-action.ts';

/**
 * Step that follows a refusal, by its code. A refusal that depends on more than its code carries `next_action` in its
 * details instead. `wait` is exactly for the codes that carry Retry-After.
 */
export const nextActionByCode: Partial<Record<BrokerErrorCode, NextAction>> = {
  connection_not_found: 'reconfigure',
  // The rights of an API key change by a new key from an administrator.
  forbidden: 'reconfigure',
  // An operator enables the workflow again.
  workflow_disabled: 'reconfigure',
  grant_not_found: 'authorize',
  not_refreshable: 'authorize',
  insufficient_scope: 'authorize',
  // The caller repeats its request with another account or a shorter min_ttl.
  account_ambiguous: 'none',
  min_ttl_unsatisfiable: 'none',
  rate_limited: 'wait',
  provider_unavailable: 'wait',
  service_unavailable: 'wait',
};

/** Decides who must act after a refusal. Undefined for a refusal that is not about a credential. */
export function nextActionOfRefusal({ code, details }: Pick<BrokerError, 'code' | 'details'>): NextAction | undefined {
  return ('next_action' in details ? details.next_action : undefined) ?? nextActionByCode[code];
}
