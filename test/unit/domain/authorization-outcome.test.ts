import { describe, expect, test } from 'vitest';
import {
  causeOfError,
  connectedDetails,
  failureCauses,
  nextActionOfCause,
  reasonOfCause,
} from '../../../src/domain/authorization-outcome.ts';
import { nextActionAfter } from '../../../src/domain/next-action.ts';
import { someMetadata } from '../../support/builders/grant.ts';

test.each([
  ['access_denied', 'denied', 'user_denied'],
  ['invalid_client', 'client_rejected', 'exchange_failed'],
  ['unauthorized_client', 'client_rejected', 'exchange_failed'],
  ['invalid_scope', 'configuration_rejected', 'exchange_failed'],
  ['invalid_target', 'configuration_rejected', 'exchange_failed'],
  ['unsupported_response_type', 'configuration_rejected', 'exchange_failed'],
  ['unsupported_grant_type', 'configuration_rejected', 'exchange_failed'],
  ['redirect_uri_mismatch', 'configuration_rejected', 'exchange_failed'],
  ['temporarily_unavailable', 'provider_unavailable', 'exchange_failed'],
  ['server_error', 'provider_unavailable', 'exchange_failed'],
  ['login_required', 'interaction_required', 'exchange_failed'],
  ['interaction_required', 'interaction_required', 'exchange_failed'],
  ['consent_required', 'consent_missing', 'exchange_failed'],
  ['admin_policy_enforced', 'blocked_by_policy', 'user_denied'],
  ['org_internal', 'members_only', 'user_denied'],
  ['account_locked', 'provider_error', 'exchange_failed'],
  ['constructor', 'provider_error', 'exchange_failed'],
  [null, 'provider_error', 'exchange_failed'],
] as const)('the error %s is the cause %s, and the same side must act as for the code alone', (code, cause, reason) => {
  expect(causeOfError(code, null)).toBe(cause);
  expect(reasonOfCause[cause]).toBe(reason);
  expect(nextActionOfCause[cause]).toBe(nextActionAfter('failed', code));
});

test.each(['access_denied', 'consent_required', 'invalid_grant', null])(
  'an administrator at the provider must act if the description of %s holds the code for it',
  (code) => {
    for (const number of ['65001', '90094']) {
      const description = `AADSTS${number}: The user or administrator has not consented.`;
      expect(causeOfError(code, description)).toBe('admin_consent_required');
    }
    expect(causeOfError(code, 'AADSTS650010: something else')).not.toBe('admin_consent_required');
  },
);

test('no cause is left to itself: either a person connects again or an administrator acts', () => {
  for (const cause of failureCauses) expect(['authorize', 'reconfigure']).toContain(nextActionOfCause[cause]);
});

describe('the details of a connected grant', () => {
  const details = (scopes: string[], requested: string[], refreshable: boolean) =>
    connectedDetails(undefined, someMetadata({ scopes, refreshable }), requested, null).missingScopes;

  test('name the scopes that were not granted, and offline_access only without a refresh token', () => {
    expect(details(['read'], ['read', 'write', 'offline_access'], true)).toEqual(['write']);
    expect(details(['read'], ['read', 'offline_access'], false)).toEqual(['offline_access']);
  });

  test.each([
    [undefined, false],
    [{ sealedTokens: null }, false],
    [{ sealedTokens: new Uint8Array(1) }, true],
  ])('a grant that held %j before is reconnected: %s', (held, isReconnect) => {
    expect(connectedDetails(held, someMetadata(), [], null)).toMatchObject({ isReconnect, isAccountConfirmed: true });
  });

  test('an account that only the callback names is not confirmed', () => {
    const account = { id: 'A', name: null, isFromCallback: true };
    expect(connectedDetails(undefined, someMetadata(), [], account)).toMatchObject({ isAccountConfirmed: false });
  });
});
