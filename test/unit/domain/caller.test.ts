import { describe, expect, test } from 'vitest';
import {
  type Caller,
  mayReadCredentialsOf,
  requirePermission,
  selectOrganization,
} from '../../../src/domain/caller.ts';
import { BrokerError } from '../../../src/domain/errors.ts';

const trace = { requestId: null, address: null };

function caller(over: Partial<Caller> = {}): Caller {
  return {
    id: 'api_key:1',
    name: 'one',
    permissions: ['credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: null,
    ...over,
  };
}

describe('the organisation a request is about', () => {
  test('is the one named, where the caller reaches it', () => {
    expect(selectOrganization(caller({ organizations: '*' }), 'globex', trace).organizationId).toBe('globex');
    expect(() => selectOrganization(caller(), 'globex', trace)).toThrow(BrokerError);
  });

  test('is implied by a caller bound to exactly one organisation', () => {
    expect(selectOrganization(caller(), undefined, trace).organizationId).toBe('acme');
  });

  test('is the global scope for whoever has a right to it', () => {
    expect(selectOrganization(caller({ global: true }), undefined, trace).organizationId).toBeNull();
  });

  test('is refused where nothing is named and nothing is implied', () => {
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

test('name patterns match whole names and nothing but * is special in them', () => {
  const limited = caller({ connections: ['google-*', 'a.c'] });
  expect(mayReadCredentialsOf(limited, 'google-drive')).toBe(true);
  expect(mayReadCredentialsOf(limited, 'my-google-drive')).toBe(false);
  expect(mayReadCredentialsOf(limited, 'abc')).toBe(false);
  expect(mayReadCredentialsOf(caller(), 'anything')).toBe(true);
  expect(mayReadCredentialsOf(caller({ connections: [] }), 'anything')).toBe(false);
});
