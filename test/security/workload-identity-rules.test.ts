import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { permissions } from '../../src/domain/callers/caller.ts';
import { type ClaimRule, callerOfClaims } from '../../src/domain/callers/trusted-issuer.ts';
import { readerRule } from '../support/issuer/workload-fixture.ts';

const expiresAt = new Date('2030-01-01T00:00:00Z');
const callerOf = (rules: ClaimRule[], claims: Record<string, unknown>) =>
  callerOfClaims({ rules }, { issuer: 'https://issuer.example', subject: 'job', claims, expiresAt });
const ruleOf = (claims: Record<string, string>): ClaimRule => ({ ...readerRule, claims });

describe('claims that a rule names', () => {
  test.each<[string, Record<string, string>, Record<string, unknown>, boolean]>([
    ['the same text', { repository: 'acme/app' }, { repository: 'acme/app' }, true],
    ['another case', { repository: 'acme/app' }, { repository: 'Acme/app' }, false],
    ['a longer text', { repository: 'acme/app' }, { repository: 'acme/app2' }, false],
    ['an absent claim', { repository: '*' }, {}, false],
    ['every claim', { repository: 'acme/app', ref: 'main' }, { repository: 'acme/app', ref: 'main' }, true],
    ['one of two claims', { repository: 'acme/app', ref: 'main' }, { repository: 'acme/app', ref: 'dev' }, false],
    ['a wildcard', { repository: 'acme/*' }, { repository: 'acme/app/x' }, true],
    ['a wildcard within an owner', { repository: 'acme/*' }, { repository: 'acme-evil/app' }, false],
    ['a regular expression', { repository: '.*' }, { repository: 'acme' }, false],
    ['one entry of a list', { roles: 'Broker.Read' }, { roles: ['Other', 'Broker.Read'] }, true],
    ['a list within a list', { roles: 'Broker.Read' }, { roles: [['Broker.Read']] }, false],
    ['an empty list', { roles: '*' }, { roles: [] }, false],
    ['a number', { repository_id: '123' }, { repository_id: 123 }, true],
    ['a fraction', { repository_id: '*' }, { repository_id: 1.5 }, false],
    ['a boolean', { protected: 'true' }, { protected: true }, true],
    ['an object', { repository: '*' }, { repository: { toString: 'acme/app' } }, false],
    ['null', { repository: '*' }, { repository: null }, false],
    ['a member of every object', { constructor: '*' }, {}, false],
    ['a verified email', { email: 'a@b.c' }, { email: 'a@b.c', email_verified: true }, true],
    ['an email verified as text', { email: 'a@b.c' }, { email: 'a@b.c', email_verified: 'true' }, true],
    ['an unverified email', { email: 'a@b.c' }, { email: 'a@b.c', email_verified: false }, false],
    ['an email of unknown state', { email: 'a@b.c' }, { email: 'a@b.c' }, false],
    ['an email verified by a number', { email: 'a@b.c' }, { email: 'a@b.c', email_verified: 1 }, false],
    ['an unverified phone number', { phone_number: '+1' }, { phone_number: '+1' }, false],
  ])('%s', (_name, required, claims, matches) => {
    expect(callerOf([ruleOf(required)], claims) !== undefined).toBe(matches);
  });

  test('the first rule that matches decides, also if a later one grants more', () => {
    const rules = [ruleOf({ ref: 'dev' }), ruleOf({ ref: '*' }), { ...ruleOf({ ref: 'main' }), global: true }];
    expect(callerOf(rules, { ref: 'main' })).toMatchObject({ global: false });
  });
});

describe('a mapping never grants more than one rule', () => {
  const word = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b');
  const names = fc.constantFrom('sub', 'ref', 'roles', 'email');
  const ruleArbitrary: fc.Arbitrary<ClaimRule> = fc.record({
    claims: fc.dictionary(names, word, { maxKeys: 3 }),
    permissions: fc.subarray([...permissions], { minLength: 1 }),
    organizations: fc.oneof(fc.constant('*' as const), fc.subarray(['acme', 'globex'])),
    global: fc.boolean(),
    connections: fc.option(fc.array(word, { minLength: 1, maxLength: 2 })),
    rateLimitPerMinute: fc.option(fc.integer({ min: 1, max: 9 })),
  });
  const claimsArbitrary = fc.dictionary(
    fc.oneof(names, fc.constant('email_verified')),
    fc.oneof(fc.jsonValue(), fc.array(word), word, fc.boolean()),
  );

  test('the rights are those of one rule whose every claim the token has; without such a rule there is no caller', () => {
    fc.assert(
      fc.property(fc.array(ruleArbitrary, { maxLength: 4 }), claimsArbitrary, (rules, claims) => {
        const caller = callerOf(rules, claims);
        if (caller === undefined) return;
        const rule = rules.find((one) => Object.keys(one.claims).every((name) => Object.hasOwn(claims, name)));
        expect(rule).toBeDefined();
        const rights = rules.map(({ claims: _, ...granted }) => granted);
        const { id, name, expiresAt: end, ...held } = caller;
        expect(rights).toContainEqual(held);
        expect([id, name, end]).toEqual(['workload:https://issuer.example#job', 'job', expiresAt]);
      }),
      { numRuns: 2000 },
    );
  });
});
