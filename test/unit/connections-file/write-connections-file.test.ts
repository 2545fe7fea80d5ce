import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConnectionsFile } from '../../../src/connections-file/read-connections-file.ts';
import {
  createVariableNames,
  toDeclared,
  unwritableFields,
  writeConnectionsFile,
} from '../../../src/connections-file/write-connections-file.ts';

const detail = {
  connection_name: 'crm',
  id: '0',
  provider: 'shop',
  oauth_flow_type: 'authorization_code',
  client_id: 'c',
  authorization_url: 'https://one.shop.example/a',
  token_url: 'https://eu.shop.example/t',
  revocation_url: null,
  test_url: 'https://own.example/me',
  token_auth_method: null,
  variables: { shop: 'one' },
  scopes: ['read'],
  authorize_params: {},
  token_params: {},
  multi_account: false,
  share_with_organizations: true,
  allow_import: false,
  pkce: null,
  terminal_errors: [],
  error_path: null,
  description: null,
  managed_by: null,
};
const template = {
  urls: {
    authorization_url: 'https://{shop}.shop.example/a',
    token_url: 'https://{region}.shop.example/t',
    revocation_url: null,
    test_url: 'https://{shop}.shop.example/me',
  },
  variables: { shop: { default: null }, region: { default: 'eu' } },
  scopes: ['read'],
};

test('fields with their default, and URLs and scopes of the template, are left out', () => {
  expect(toDeclared(detail, template, 'CRM_CLIENT_SECRET')).toEqual({
    connection_name: 'crm',
    provider: 'shop',
    client_id: 'c',
    client_secret: '$' + '{CRM_CLIENT_SECRET}',
    test_url: 'https://own.example/me',
    variables: { shop: 'one' },
  });
  expect(toDeclared({ ...detail, scopes: [] }, template, undefined)).toMatchObject({ scopes: [] });
  expect(toDeclared(detail, undefined, undefined)).toMatchObject({
    authorization_url: 'https://one.shop.example/a',
    token_url: 'https://eu.shop.example/t',
    scopes: ['read'],
  });
  const others = { pkce: false, multi_account: true, share_with_organizations: false, error_path: 'a.b' };
  expect(toDeclared({ ...detail, ...others }, template, undefined)).toMatchObject(others);
});

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'yes',
    'null',
    '1e3',
    '0x1f',
    '- a',
    'a: b',
    '# c',
    ' padded ',
    'two\nlines\n',
    '@',
    '&x',
    '*x',
    '|',
    '',
  ),
);
const entry = fc.record({
  client_id: text,
  description: text,
  scopes: fc.array(text, { maxLength: 3 }),
  authorize_params: fc.dictionary(text, text, { maxKeys: 3 }),
  multi_account: fc.boolean(),
});

test('what is written is read back, whatever the values hold', () => {
  fc.assert(
    fc.property(fc.uniqueArray(entry, { maxLength: 3 }), (entries) => {
      const named = entries.map((each, at) => ({ connection_name: `c${at}`, ...each }));
      const writable = named.filter((each) => unwritableFields(each).length === 0);
      const none = { variable: () => ({ fault: 'x' }), file: () => ({ fault: 'x' }) };
      const { connections, faults } = readConnectionsFile(writeConnectionsFile(writable), none, () => []);
      expect(faults).toEqual([]);
      expect(connections.map(({ fields }) => fields)).toEqual(writable);
    }),
  );
});

test('a text that the reader would take for a placeholder is named by its field', () => {
  const params = { client_secret: '$' + '{A}', authorize_params: { a: { b: '$' + '{B}' } }, description: '$ {C}' };
  expect(unwritableFields(params)).toEqual(['authorize_params']);
});

test('each connection has a variable of its own, which a shell can set', () => {
  const variableFor = createVariableNames();
  expect(['a-b', 'a_b', 'A-B', '9x'].map(variableFor)).toEqual([
    'A_B_CLIENT_SECRET',
    'A_B_CLIENT_SECRET_2',
    'A_B_CLIENT_SECRET_3',
    '_9X_CLIENT_SECRET',
  ]);
});
