import { describe, expect, test } from 'vitest';
import {
  type Caller,
  mayReadCredentialsOf,
  requirePermission,
  selectOrganization,
} from '../../../../src/domain/callers/caller.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';

const trace = { requestId: null, address: null };

function caller(over: Partial<Caller> = {}): Caller {
  return {
    id: 'api_key:1',
    name: 'one',
    permissions: ['credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: null,
    expiresAt: null,
    rateLimitPerMinute: null,
    ...over,
  };
}

describe('selecting the organisation of a request', () => {
  test('a named organisation is selected if the caller reaches it, else refused', () => {
    expect(selectOrganization(caller({ organizations: '*' }), 'globex', trace).organizationId).toBe('globex');
    expect(() => selectOrganization(caller(), 'globex', trace)).toThrow(BrokerError);
  });

  test('a caller of exactly one organisation acts for it without naming it', () => {
    expect(selectOrganization(caller(), undefined, trace).organizationId).toBe('acme');
  });

  test('a caller with the global right acts for the global scope without naming an organisation', () => {
    expect(selectOrganization(caller({ global: true }), undefined, trace).organizationId).toBeNull();
  });

  test('a request is refused if it names no organisation and the caller has several', () => {
    expect(() => selectOrganization(caller({ organizations: '*' }), undefined, trace)).toThrow(/X-Organization-Id/);
    expect(() => selectOrganization(caller({ organizations: ['acme', 'globex'] }), undefined, trace)).toThrow(
      BrokerError,
    );
  });
});

test('a missing permission is named in the refusal', () => {
  expect(() => requirePermission(caller(), 'connections:write')).toThrow(
    expect.objectContaining({ code: 'forbidden', details: { required_permission: 'connections:write' } }),
  );
});

test('connection patterns match whole names, and only * is special in them', () => {
  const limited = caller({ connections: ['google-*', 'a.c'] });
  expect(mayReadCredentialsOf(limited, 'google-drive')).toBe(true);
  expect(mayReadCredentialsOf(limited, 'my-google-drive')).toBe(false);
  expect(mayReadCredentialsOf(limited, 'abc')).toBe(false);
  expect(mayReadCredentialsOf(caller(), 'anything')).toBe(true);
  expect(mayReadCredentialsOf(caller({ connections: [] }), 'anything')).toBe(false);
});
