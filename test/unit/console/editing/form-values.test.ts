import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, settled } from '../../../../src/console/editing/conflict-page.ts';
import type { Draft } from '../../../../src/console/editing/edit-form.ts';
import { bodyOf, faultsByField, fieldNames, valuesOf } from '../../../../src/console/editing/form-values.ts';
import type { ConnectionSettings } from '../../../../src/domain/connections/connection.ts';
import { invalidRequest } from '../../../../src/domain/errors.ts';

const settings: ConnectionSettings = {
  provider: 'generic',
  flow: 'authorization_code',
  clientId: 'id',
  authorizationUrl: null,
  tokenUrl: 'https://provider.example/token',
  revocationUrl: null,
  testUrl: null,
  tokenAuthMethod: null,
  variables: { issuer: 'https://provider.example' },
  scopes: ['a', 'b'],
  authorizeParams: { prompt: 'consent', access_type: 'offline' },
  tokenParams: {},
  multiAccount: false,
  shareWithOrganizations: true,
  allowImport: false,
  pkce: null,
  terminalErrors: ['dead'],
  errorPath: null,
  description: 'two\r\nlines',
  managedBy: null,
};
const base = valuesOf(settings);

describe('the body of a form', () => {
  test('an unchanged form has no members', () => {
    expect(bodyOf(base, base)).toEqual({});
  });

  test.each([
    ['a text', { description: 'new' }, { description: 'new' }],
    ['an emptied text', { token_url: ' ' }, { token_url: null }],
    ['an emptied client id', { client_id: '' }, { client_id: '' }],
    ['scopes', { scopes: 'a, c\nd' }, { scopes: ['a', 'c', 'd'] }],
    ['no scopes', { scopes: '' }, { scopes: [] }],
    ['a box', { share_with_organizations: '' }, { share_with_organizations: false }],
    ['three states', { pkce: 'false' }, { pkce: false }],
    [
      'parameters',
      { authorize_params: 'prompt=login\nx=1' },
      { authorize_params: { access_type: null, prompt: 'login', x: '1' } },
    ],
    ['no parameters', { authorize_params: '' }, { authorize_params: { access_type: null, prompt: null } }],
    ['an emptied variable', { 'variables.issuer': '' }, { variables: { issuer: null } }],
  ])('%s', (_, changed, body) => {
    expect(bodyOf(base, { ...base, ...changed })).toEqual(body);
  });

  test('every fault of a text is named at once', () => {
    const changed = { ...base, authorize_params: 'no sign', token_params: '{' };
    expect(() => bodyOf(base, changed)).toThrow(/authorize_params.*token_params/);
  });

  test('parameters of any text are read as they were shown', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.:[\]-]{1,20}$/).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, fc.string({ minLength: 1 })), (tokenParams) => {
        const shown = valuesOf({ ...settings, tokenParams });
        const body = bodyOf({ ...shown, token_params: '' }, shown) as { token_params?: Record<string, string> };
        expect(body.token_params ?? {}).toEqual({ ...tokenParams });
      }),
    );
  });
});

describe('faults by field', () => {
  test('a fault of a part stands at its field, and one that no field shows above the form', () => {
    const error = invalidRequest(
      { path: 'scopes.1', message: 'is not a scope' },
      { path: 'variables.shop', message: 'is not known' },
    );
    const faults = faultsByField(error, fieldNames);
    expect(faults).toEqual({ scopes: 'scopes.1 is not a scope', '': 'variables.shop is not known' });
  });

  test('any other error stays one', () => {
    expect(() => faultsByField(new Error('broken'), fieldNames)).toThrow('broken');
  });
});

describe('two edits of one configuration', () => {
  const mine: Draft = {
    base,
    revision: 'x-1',
    secretChange: 'keep',
    values: { ...base, scopes: 'mine', description: 'same', client_id: 'mine', error_path: 'mine' },
  };
  const theirs = { ...base, scopes: 'theirs', description: 'same', token_url: 'theirs', error_path: 'theirs' };

  test('a field that one edit changed is settled, and one that both changed is a choice', () => {
    const taken = Object.fromEntries(differences(mine, theirs).map(({ field, taken }) => [field, taken]));
    expect(taken).toEqual({
      scopes: undefined,
      error_path: undefined,
      description: 'theirs',
      client_id: 'mine',
      token_url: 'theirs',
    });
  });

  test('the settled edit begins with theirs, and keeps what was chosen', () => {
    const next = settled(mine, theirs, 'x-2', { 'take.scopes': 'mine' });
    expect(next).toMatchObject({ base: theirs, revision: 'x-2' });
    expect(bodyOf(next.base, next.values)).toEqual({ client_id: 'mine', scopes: ['mine'] });
  });
});
