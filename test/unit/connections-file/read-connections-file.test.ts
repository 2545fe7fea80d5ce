import { expect, test } from 'vitest';
import type { SecretSources } from '../../../src/connections-file/placeholders.ts';
import { readConnectionsFile } from '../../../src/connections-file/read-connections-file.ts';
import { faultsInDeclared } from '../../../src/http/schemas/connections-file.ts';

const sources: SecretSources = {
  variable: (name) => (name === 'CRM_SECRET' ? { value: 'from-the-variable\n' } : { fault: 'is not set' }),
  file: (path) => (path === '/run/secrets/crm' ? { value: 'from-the-file\r\n' } : { fault: 'cannot be read (ENOENT)' }),
};
const read = (text: string) => readConnectionsFile(text, sources, faultsInDeclared);
const faultsOf = (text: string) => read(text).faults.map(({ line, column, message }) => `${line}:${column} ${message}`);

const whole = `# Connections of the platform
- connection_name: crm
  client_id: abc
  client_secret: \${CRM_SECRET}
  scopes: [read, write]
- connection_name: erp
  client_id: def
  client_secret: \${file:/run/secrets/crm}
  authorize_params: { audience: api }
`;

test('a file is read with its secrets filled in, without the line ends around them', () => {
  const { connections, faults } = read(whole);
  expect(faults).toEqual([]);
  expect(connections.map(({ fields }) => fields)).toEqual([
    { connection_name: 'crm', client_id: 'abc', client_secret: 'from-the-variable', scopes: ['read', 'write'] },
    { connection_name: 'erp', client_id: 'def', client_secret: 'from-the-file', authorize_params: { audience: 'api' } },
  ]);
});

test('a fault of the API is found at the key that it names, or at the last part of its path that the file has', () => {
  const [crm, erp] = read(whole).connections;
  expect(crm?.positionOf('client_id')).toEqual({ line: 3, column: 3 });
  expect(crm?.positionOf('scopes.1')).toEqual({ line: 5, column: 18 });
  expect(erp?.positionOf('authorize_params.audience')).toEqual({ line: 9, column: 23 });
  expect(erp?.positionOf('authorize_params.absent.deeper')).toEqual({ line: 9, column: 3 });
  expect(erp?.positionOf('token_url')).toEqual({ line: 6, column: 3 });
});

const one = (lines: string) => `- connection_name: crm\n  client_id: abc\n${lines}`;

test.each([
  ['an empty file', '', ['1:1 the file must be a list of connections']],
  ['a map', 'connections: []', ['1:1 the file must be a list of connections']],
  ['a text in the list', '- crm', ['1:3 must be a connection: fields and their values']],
  ['a member twice', one('  client_id: def\n'), ['3:3 Map keys must be unique']],
  ['a second document', `${one('')}---\n- x\n`, [expect.stringMatching(/^3:1 /)]],
  ['a tag', one('  scopes: !js [read]\n'), [expect.stringMatching(/^3:11 Unresolved tag/)]],
  ['a tab as indentation', one('\tscopes: [read]\n'), ['3:2 Unexpected scalar at node end']],
  ['a name twice', `${one('')}${one('')}`, ['3:3 connection_name is that of line 1 already']],
  ['a misspelt field', one('  scope: [read]\n'), ['3:3 scope is not known; did you mean scopes?']],
  ['a missing field', '- connection_name: crm\n', ['1:3 client_id is required']],
  ['a wrong type', one('  multi_account: yes please\n'), ['3:3 multi_account must be a boolean']],
  ['a wrong URL', one('  token_url: ftp://x\n'), ['3:3 token_url must be a URL that starts with https:// or http://']],
  ['the member of the file', one('  managed_by: me\n'), ['3:3 managed_by is the name of the file: leave it out']],
  [
    'a variable that is not set',
    one('  client_secret: $' + '{ABSENT}\n'),
    ['3:3 client_secret: the variable ABSENT is not set'],
  ],
  [
    'a file that is not there',
    one('  client_secret: $' + '{file:/nowhere}\n'),
    ['3:3 client_secret: the file /nowhere cannot be read (ENOENT)'],
  ],
  [
    'a part of a secret',
    one('  client_secret: a-$' + '{CRM_SECRET}\n'),
    [`3:3 client_secret: a placeholder must be \${NAME} or \${file:/path} and nothing else`],
  ],
  [
    'a relative file',
    one('  client_secret: $' + '{file:secret}\n'),
    [`3:3 client_secret: a placeholder must be \${NAME} or \${file:/path} and nothing else`],
  ],
  [
    'a placeholder in another field',
    one('  token_params: { key: "$' + '{CRM_SECRET}" }\n'),
    ['3:3 token_params must not hold a placeholder: only client_secret is filled in'],
  ],
])('%s is a fault with line and column', (_, text, faults) => {
  expect(faultsOf(text)).toEqual(faults);
});

test('every fault of a file is listed, in the order of the lines', () => {
  const text = `- connection_name: a b\n  client_id: x\n  color: red\n- client_id: ''\n  connection_name: c\n`;
  expect(faultsOf(text).map((fault) => fault.split(' ')[0])).toEqual(['1:3', '3:3', '4:3']);
});

test('no fault repeats a value of the file or a secret', () => {
  const text = `- connection_name: crm\n  client_id: [canary-value]\n  client_secret: canary-$` + '{value\n';
  expect(faultsOf(text).join()).not.toContain('canary');
  expect(faultsOf('- client_secret: "a" canary: ["canary"\n').join()).not.toContain('canary');
});

test('aliases of aliases end the reading instead of filling the memory', () => {
  const levels = Array.from({ length: 12 }, (_, at) => `  l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
  const bomb = `- l0: &l0 [x]\n${levels.join('\n')}\n`;
  expect(faultsOf(bomb)).toEqual(['1:3 holds too many aliases']);
});

test('5,000 connections are read, each at its line', () => {
  const text = Array.from({ length: 5_000 }, (_, at) => `- connection_name: c-${at}\n  client_id: abc\n`).join('');
  const { connections, faults } = read(text);
  expect(faults).toEqual([]);
  expect(connections.map(({ name }) => name)).toEqual(Array.from({ length: 5_000 }, (_, at) => `c-${at}`));
  expect(connections.at(-1)?.positionOf('client_id')).toEqual({ line: 10_000, column: 3 });
});
