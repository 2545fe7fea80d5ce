import { describe, expect, test } from 'vitest';
import { flows } from '../../../src/domain/connections/connection.ts';
import { grantStatuses, statusReasons } from '../../../src/domain/grants/grant.ts';
import { nextAction, nextActionAfter } from '../../../src/domain/next-action.ts';

describe('nextAction', () => {
  test('only a completed grant needs nothing, in every situation', () => {
    for (const status of grantStatuses)
      for (const reason of [null, ...statusReasons])
        for (const flow of flows)
          for (const isRetried of [true, false])
            expect(nextAction({ status, reason, flow, isRetried }) === 'none').toBe(status === 'completed');
  });

  test('a flow without a person never asks for one', () => {
    for (const status of grantStatuses)
      for (const reason of [null, ...statusReasons])
        for (const flow of ['client_credentials', 'refresh_token'] as const)
          for (const isRetried of [true, false])
            expect(nextAction({ status, reason, flow, isRetried })).not.toBe('authorize');
  });

  test.each(['client_credentials', 'refresh_token'] as const)(
    'a refused refresh token of the flow %s needs an administrator, although it is tried again',
    (flow) => {
      for (const reason of ['reauthorization_required', 'rotation_interrupted'] as const)
        expect(nextAction({ status: 'failed', reason, flow, isRetried: true })).toBe('reconfigure');
      expect(nextAction({ status: 'failed', reason: 'exchange_failed', flow, isRetried: true })).toBe('wait');
    },
  );

  test.each([
    ['not_connected', null, 'authorize'],
    ['not_connected', 'configuration_changed', 'authorize'],
    ['waiting_callback', null, 'authorize'],
    ['testing', null, 'wait'],
    ['failed', 'reauthorization_required', 'authorize'],
    ['failed', 'revoked', 'authorize'],
    ['failed', 'client_rejected', 'reconfigure'],
    ['failed', 'configuration_rejected', 'reconfigure'],
  ] as const)('a person’s connection that is %s (%s): %s', (status, reason, expected) => {
    expect(nextAction({ status, reason, flow: 'authorization_code', isRetried: false })).toBe(expected);
  });
});

test.each([
  ['pending', null, 'authorize'],
  ['testing', null, 'wait'],
  ['completed', null, 'none'],
  ['failed', 'access_denied', 'authorize'],
  ['failed', 'invalid_client', 'reconfigure'],
  ['expired', null, 'authorize'],
] as const)('after an authorization that is %s (%s): %s', (outcome, error, expected) => {
  expect(nextActionAfter(outcome, error)).toBe(expected);
});
