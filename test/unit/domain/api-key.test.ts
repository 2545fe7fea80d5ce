import { describe, expect, test } from 'vitest';
import { type ApiKeyGrant, excessOver } from '../../../src/domain/api-key.ts';
import { type Caller, permissions } from '../../../src/domain/caller.ts';

const everything: Caller = {
  id: 'bootstrap',
  name: 'b',
  permissions,
  organizations: '*',
  global: true,
  connections: null,
};
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

describe('a key and its maker', () => {
  test('a key as wide as its maker exceeds nothing', () => {
    expect(excessOver(narrow, key)).toEqual([]);
    expect(
      excessOver(everything, { permissions: [...permissions], organizations: '*', global: true, connections: null }),
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
    ['a pattern that only begins alike', { connections: ['crm-*', '*-crm-'] }],
  ])('%s is more than the maker has', (_name, wider) => {
    expect(excessOver(narrow, { ...key, ...wider })).toHaveLength(1);
  });

  test.each(['crm-sales', 'crm-*-eu', 'crm-a*'])('the narrower pattern %s is covered', (pattern) => {
    expect(excessOver(narrow, { ...key, connections: [pattern] })).toEqual([]);
  });
});
