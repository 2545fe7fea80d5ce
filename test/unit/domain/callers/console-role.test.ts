import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canReach, type Permission, permissions } from '../../../../src/domain/callers/caller.ts';
import {
  type ConsoleRole,
  callerOfPerson,
  isPersonSubject,
  roleOfClaims,
} from '../../../../src/domain/callers/console-role.ts';

const person = { issuer: 'https://id.test', subject: 'ada', name: 'Ada' };
const organizations = ['acme', 'other', 'third'];

const someRole: fc.Arbitrary<ConsoleRole> = fc.record({
  value: fc.constantFrom('admins', 'support', 'support-*', '*', 'viewers'),
  permissions: fc.subarray<Permission>([...permissions], { minLength: 1 }),
  organizations: fc.oneof(fc.constant('*' as const), fc.subarray(organizations)),
  global: fc.boolean(),
  connections: fc.constantFrom(null, ['gmail-*']),
  rateLimitPerMinute: fc.constantFrom(null, 60),
});
const someValues = fc.array(fc.constantFrom('admins', 'support', 'support-eu', 'viewers', 'unknown'), { maxLength: 4 });

describe('roleOfClaims', () => {
  const role = (value: string): ConsoleRole => {
    return { value, permissions: [], organizations: '*', global: true, connections: null, rateLimitPerMinute: null };
  };

  test('the first configured role decides, in whatever order the claim lists its values', () => {
    const roles = [role('admins'), role('support-*'), role('*')];
    for (const values of [
      ['support-eu', 'admins'],
      ['admins', 'support-eu'],
    ]) {
      expect(roleOfClaims(roles, values)?.value).toBe('admins');
    }
    expect(roleOfClaims(roles, ['support-eu'])?.value).toBe('support-*');
    expect(roleOfClaims(roles, ['else'])?.value).toBe('*');
  });

  test('no value, no match and no role give no rights', () => {
    expect(roleOfClaims([role('*')], [])).toBeUndefined();
    expect(roleOfClaims([role('admins')], ['admin', 'Admins', 'admins '])).toBeUndefined();
    expect(roleOfClaims([], ['admins'])).toBeUndefined();
  });

  test('a person holds a permission in an organisation only if one single matching role gives both', () => {
    fc.assert(
      fc.property(fc.array(someRole, { maxLength: 4 }), someValues, (roles, values) => {
        const found = roleOfClaims(roles, values);
        if (found === undefined) return;
        const caller = callerOfPerson(person, found);
        const matching = roles.filter((each) => roleOfClaims([each], values) !== undefined);
        for (const permission of caller.permissions) {
          for (const organization of [...organizations, null].filter((id) => canReach(caller, id))) {
            const giving = matching.filter(
              (each) => each.permissions.includes(permission) && canReach(each, organization),
            );
            expect(giving).not.toEqual([]);
          }
        }
      }),
    );
  });
});

test('a person is named by issuer and subject, and has no end of their own', () => {
  const role = { permissions: ['admin:read'], organizations: ['acme'], global: false } as const;
  expect(callerOfPerson(person, { ...role, value: 'x', connections: ['gmail-*'], rateLimitPerMinute: 5 })).toEqual({
    ...role,
    id: 'person:https://id.test#ada',
    name: 'Ada',
    connections: ['gmail-*'],
    rateLimitPerMinute: 5,
    expiresAt: null,
  });
});

test.each(['', 'x'.repeat(256), 'a\nb', 'a\u0000', '\u202e', '\ud800'])('the subject %j is refused', (subject) => {
  expect(isPersonSubject(subject)).toBe(false);
});
