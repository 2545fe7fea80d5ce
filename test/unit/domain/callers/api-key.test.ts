import { describe, expect, test } from 'vitest';
import { type ApiKeyGrant, privilegesBeyond } from '../../../../src/domain/callers/api-key.ts';
import { bootstrapCaller } from '../../../../src/domain/callers/bootstrap.ts';
import { type Caller, permissions } from '../../../../src/domain/callers/caller.ts';

const everything = bootstrapCaller;
const narrow: Caller = {
  ...everything,
  permissions: ['credentials:read', 'admin:write'],
  organizations: ['acme'],
  global: false,
  connections: ['crm-*'],
};
const key: ApiKeyGrant = {
  permissions: ['credentials:read'],
  organizations: ['acme'],
  global: false,
  connections: ['crm-*'],
};

describe('privileges of a key beyond its creator', () => {
  test('a key with exactly the privileges of its creator exceeds nothing', () => {
    expect(privilegesBeyond(narrow, key)).toEqual([]);
    expect(
      privilegesBeyond(everything, {
        permissions: [...permissions],
        organizations: '*',
        global: true,
        connections: null,
      }),
    ).toEqual([]);
  });

  test.each<[string, Partial<ApiKeyGrant>]>([
    ['another permission', { permissions: ['connections:write'] }],
    ['another organisation', { organizations: ['acme', 'globex'] }],
    ['every organisation', { organizations: '*' }],
    ['the global scope', { global: true }],
    ['every connection', { connections: null }],
    ['every connection by pattern', { connections: ['*'] }],
    ['a wider pattern', { connections: ['crm*'] }],
    ["a pattern that only starts like the creator's", { connections: ['crm-*', '*-crm-'] }],
  ])('a key with %s exceeds its creator', (_name, wider) => {
    expect(privilegesBeyond(narrow, { ...key, ...wider })).toHaveLength(1);
  });

  test.each(['crm-sales', 'crm-*-eu', 'crm-a*'])('the connection pattern %s is covered by crm-*', (pattern) => {
    expect(privilegesBeyond(narrow, { ...key, connections: [pattern] })).toEqual([]);
  });
});
