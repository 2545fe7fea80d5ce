import type { SettledOutcome } from '../../../src/broker/authorizations/callback-outcome.ts';
import { failedBecause } from '../../../src/broker/authorizations/obtain-authorized-tokens.ts';
import { type ConnectedDetails, type FailureCause, reasonOfCause } from '../../../src/domain/authorization-outcome.ts';

export function someConnectedDetails(change: Partial<ConnectedDetails> = {}): ConnectedDetails {
  return {
    kind: 'connected',
    isReconnect: false,
    isRenewable: true,
    expiresAt: new Date('2030-01-31T13:00:00Z'),
    refreshExpiresAt: null,
    missingScopes: [],
    isAccountConfirmed: true,
    ...change,
  };
}

export function aConnectedOutcome(change: Partial<SettledOutcome> = {}): SettledOutcome {
  return {
    kind: 'settled',
    status: 'completed',
    statusReason: null,
    details: someConnectedDetails(),
    connectionName: 'crm',
    organizationId: 'acme',
    provider: 'Example CRM',
    subject: 'user-42',
    account: { id: '4711', name: 'Ada Lovelace' },
    error: null,
    errorDescription: null,
    returnUrl: null,
    clientState: null,
    isLaterCallback: false,
    ...change,
  };
}

export function aFailedOutcome(cause: FailureCause, change: Partial<SettledOutcome> = {}): SettledOutcome {
  const details = failedBecause(cause);
  return aConnectedOutcome({
    status: 'failed',
    statusReason: reasonOfCause[cause],
    details:
      cause === 'other_account' || cause === 'account_unconfirmed' ? { ...details, ...accountsOf(cause) } : details,
    account: null,
    ...change,
  });
}

function accountsOf(cause: FailureCause) {
  const expected = { id: '4711', name: 'Ada Lovelace' };
  return { expected, received: cause === 'other_account' ? { id: '4712', name: 'Grace Hopper' } : null };
}
