import { expect, test } from 'vitest';
import { BrokerError, type BrokerErrorCode } from '../../../src/domain/errors.ts';
import { nextActionByCode, nextActionOfRefusal } from '../../../src/domain/next-action-of-refusal.ts';
import * as credentials from '../../../src/http/contract/credentials.ts';
import * as grants from '../../../src/http/contract/grants.ts';

/** Codes of which every refusal carries its own step. */
const stated: readonly BrokerErrorCode[] = ['connection_not_ready'];

test.each([
  ...new Set(
    [credentials.getCredential, credentials.renewCredential, grants.refreshGrant, grants.testConnection].flatMap(
      ({ problems }) => problems,
    ),
  ),
])('the refusal %s of a credential names a next action', (code) => {
  expect(stated.includes(code) || nextActionByCode[code] !== undefined).toBe(true);
});

test('the details of a refusal override the step of its code', () => {
  expect(nextActionOfRefusal(BrokerError.of('grant_not_found', 'm'))).toBe('authorize');
  const stating = BrokerError.with('grant_not_found', 'm', { next_action: 'reconfigure' });
  expect(nextActionOfRefusal(stating)).toBe('reconfigure');
});

test('a refusal that is not about a credential names no step', () => {
  expect(nextActionOfRefusal(BrokerError.of('connection_exists', 'm'))).toBeUndefined();
});
