import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { missingScopes, namedAsRequested, type ScopeNames } from '../../../../src/domain/grants/scopes.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { templateSchema } from '../../../../src/oauth/providers/template-schema.ts';

const catalogue = createCatalogue();
const templateOf = (id: string) => catalogue.find(id);

const scope = fc.stringMatching(/^[a-zA-Z:/.]{1,8}$/);
const prefix = fc.constantFrom(null, 'https://api.example/', 'https://API.example/v1/');
const isValid = (names: ScopeNames) => templateSchema.safeParse({ id: 'x', displayName: 'X', ...names }).success;
/** An alias table that a template may have. */
const names = fc
  .record({ scopeAliases: fc.dictionary(scope, scope, { maxKeys: 5 }), scopePrefix: prefix })
  .filter(isValid);

/** Names under which the provider may grant a scope. */
function otherNamesOf(requested: string, { scopeAliases, scopePrefix }: ScopeNames): string[] {
  const isSame = (name: string) => name.toLowerCase() === requested.toLowerCase();
  const aliases = Object.entries(scopeAliases).flatMap(([alias, name]) => (isSame(name) ? [alias] : []));
  const plain = [requested, ...aliases];
  return scopePrefix === null ? plain : [...plain, ...plain.map((name) => `${scopePrefix}${name}`)];
}

/** Scopes that were requested, and the same ones under other names, in another case and order. */
const grantedUnderOtherNames = names.chain((table) =>
  fc
    .array(fc.oneof(scope, fc.constantFrom(...Object.values(table.scopeAliases), 'email')), { maxLength: 6 })
    .chain((requested) =>
      fc
        .tuple(
          ...requested.map((name) =>
            fc
              .tuple(fc.constantFrom(...otherNamesOf(name, table)), fc.constantFrom('as is', 'upper', 'lower'))
              .map(([other, spelling]) =>
                spelling === 'as is' ? other : spelling === 'upper' ? other.toUpperCase() : other.toLowerCase(),
              ),
          ),
        )
        .chain((granted) =>
          fc.shuffledSubarray(granted, { minLength: granted.length }).map((shuffled) => ({
            table,
            requested,
            granted: shuffled,
          })),
        ),
    ),
);

describe('scopes that are granted under other names', () => {
  test('none is missing, whatever the table, the order and the case', () => {
    fc.assert(
      fc.property(grantedUnderOtherNames, ({ table, requested, granted }) => {
        expect(missingScopes(requested, granted, table)).toEqual([]);
        const stored = namedAsRequested(granted, requested, table);
        expect(missingScopes(requested, stored)).toEqual([]);
        expect(requested.filter((name) => !stored.includes(name))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('one that was not granted is missing, and one that was not requested keeps its name', () => {
    fc.assert(
      fc.property(grantedUnderOtherNames, fc.constantFrom('0', '1-2', '33'), ({ table, requested, granted }, other) => {
        expect(missingScopes([...requested, other], granted, table)).toEqual([other]);
        expect(namedAsRequested([...granted, other], requested, table)).toContain(other);
      }),
    );
  });
});

describe('the shipped templates', () => {
  const userinfo = 'https://www.googleapis.com/auth/userinfo';
  const graph = 'https://graph.microsoft.com/';
  test.each<[template: string, requested: string[], granted: string[], stored: string[]]>([
    ['google', ['openid', 'email'], [`${userinfo}.email`, 'openid'], ['email', 'openid']],
    ['google-drive', ['profile'], [`${userinfo}.profile`], ['profile']],
    ['google-gmail', [`${userinfo}.email`], ['email'], [`${userinfo}.email`]],
    ['google', ['email', `${userinfo}.email`], [`${userinfo}.email`], ['email', `${userinfo}.email`]],
    ['google', ['openid'], ['openid', `${userinfo}.email`], ['openid', `${userinfo}.email`]],
    ['microsoft-graph', ['User.Read'], [`${graph}User.Read`], ['User.Read']],
    ['microsoft-graph', [`${graph}Mail.Send`], ['Mail.Send', 'openid'], [`${graph}Mail.Send`, 'openid']],
    ['microsoft-graph', ['user.read'], ['User.Read'], ['user.read']],
    ['slack', ['chat:write'], ['chat:write'], ['chat:write']],
  ])('%s: requested %j, granted %j, stored %j', (id, requested, granted, stored) => {
    expect(namedAsRequested(granted, requested, templateOf(id))).toEqual(stored);
    expect(missingScopes(requested, granted, templateOf(id))).toEqual([]);
  });

  test.each(['email', 'Email', `${userinfo}.profile`])('a grant without it lacks %s', (required) => {
    expect(missingScopes([required], ['openid'], templateOf('google'))).toEqual([required]);
  });

  test('a scope of another API is not one of Microsoft Graph', () => {
    const granted = ['https://outlook.office.com/Mail.Send'];
    expect(missingScopes(['Mail.Send'], granted, templateOf('microsoft-graph'))).toEqual(['Mail.Send']);
  });
});
