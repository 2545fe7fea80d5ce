import type { SettledAuthorization } from '../../domain/authorization.ts';
import { fromOutcomeDetails } from '../outcome-details.ts';

/** Column values of a settlement. */
export function settlementColumns({
  status,
  reason,
  message,
  error,
  errorDescription,
  account,
  details,
}: SettledAuthorization) {
  return {
    status,
    status_reason: reason,
    status_message: message,
    error,
    error_description: errorDescription,
    connected_account_id: account?.id ?? null,
    connected_account_name: account?.name ?? null,
    outcome_details: fromOutcomeDetails(details),
    ...(status === 'testing' ? {} : { sealed_verifier: null }),
  };
}
