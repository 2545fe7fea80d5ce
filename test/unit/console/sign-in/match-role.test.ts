import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimValues, findClaim, matchRole } from '../../../../src/console/sign-in/match-role.ts';
import type { ConsoleRole } from '../../../../src/domain/callers/console-role.ts';

const roleOf = (value: string): ConsoleRole => ({
  value,
  permissions: ['admin:read'],
  organizations: '*',
  global: true,
  connections: null,
  rateLimitPerMinute: null,
});
const group = fc.stringMatching(/^[a-z]{1,3}$/);
const memberName = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__');

test('the first configured role that is among the groups decides, in whatever order the groups come', () => {
  fc.assert(
    fc.property(fc.uniqueArray(group), fc.uniqueArray(group), (configured, groups) => {
      const expected = configured.find((value) => groups.includes(value));
      expect(matchRole({ groups }, 'groups', configured.map(roleOf))?.value).toBe(expected);
      expect(matchRole({ groups: groups.toReversed() }, 'groups', configured.map(roleOf))?.value).toBe(expected);
    }),
  );
});

test('a single text is a list of one, and is not split', () => {
  fc.assert(
    fc.property(group, (value) => {
      expect(matchRole({ groups: value }, 'groups', [roleOf(value)])?.value).toBe(value);
      expect(matchRole({ groups: `${value} x,${value}` }, 'groups', [roleOf(value)])).toBeUndefined();
    }),
  );
});

test('a claim of any shape matches by its texts alone and never throws', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (claims, claim) => {
      const values = claimValues(claims, claim);
      expect(values.every((value) => typeof value === 'string')).toBe(true);
      expect(matchRole(claims, claim, values.map(roleOf))?.value).toBe(values[0]);
    }),
  );
});

test('a nested claim is found by a JSON pointer, whatever its names hold', () => {
  fc.assert(
    fc.property(fc.array(memberName, { minLength: 1, maxLength: 4 }), group, (names, value) => {
      const pointer = names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
      const claims = names.reduceRight<unknown>((inside, name) => ({ [name]: inside }), [value]);
      expect(findClaim(claims as Record<string, unknown>, pointer)).toEqual([value]);
    }),
  );
});

test('a nested claim is found by names with dots between', () => {
  const claims = { realm_access: { roles: ['admin'] } };
  expect(claimValues(claims, 'realm_access.roles')).toEqual(['admin']);
  expect(claimValues(claims, 'realm_access.nothing.roles')).toEqual([]);
});

test('a claim whose name is a URL is found by its name', () => {
  const claim = 'https://acme.example/roles';
  expect(claimValues({ [claim]: ['admin'], https: {} }, claim)).toEqual(['admin']);
});

test('members that every object has are no claims', () => {
  for (const claim of ['constructor.name', '__proto__', '/constructor/name', 'toString', 'groups.length']) {
    expect(findClaim({ groups: 'text' }, claim), claim).toBeUndefined();
  }
});

test('an address counts only if the provider has verified it', () => {
  const email = 'a@acme.example';
  expect(claimValues({ email }, 'email')).toEqual([]);
  expect(claimValues({ email, email_verified: false }, 'email')).toEqual([]);
  expect(claimValues({ email, email_verified: true }, 'email')).toEqual([email]);
});
