import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { templateSchema } from '../../../../src/oauth/providers/template-schema.ts';
import { renderUrl } from '../../../../src/oauth/providers/template-urls.ts';

describe('loading', () => {
  const load = (files: Record<string, unknown>) => {
    const directory = mkdtempSync(join(tmpdir(), 'templates-'));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
    return createCatalogue({ shipped: directory });
  };
  const minimal = (id: string, members: object = {}) => ({ id, displayName: id, ...members });

  test('members that a template leaves out have the defaults of RFC 6749 with PKCE', () => {
    expect(load({ 'plain.json': minimal('plain') }).find('plain')).toMatchObject({
      pkce: true,
      scopeSeparator: ' ',
      requestBody: 'form',
      codeParam: 'code',
      setupNotes: [],
      revocationEnds: null,
    });
  });

  test('a template says what a person must know before and after a connection', () => {
    const setupNotes = ['Register an application.', 'Enable the API.'];
    const revocationEnds = { what: 'every_grant_of_the_person', sentence: 'All tokens of the person are revoked.' };
    const revocation = { url: 'https://plain.example/revoke' };
    const files = { 'plain.json': minimal('plain', { setupNotes, revocation, revocationEnds }) };
    expect(load(files).find('plain')).toMatchObject({ setupNotes, revocationEnds });
  });

  test.each([
    { tokenUrl: 'http://plain.example/token' },
    { variables: { x: { pattern: '[a-z]+', description: 'not anchored' } } },
    { variables: { x: { pattern: '^[a-z]+$', default: '7', description: 'default does not match' } } },
    { requestHeaders: { 'x-a': 'b\r\nx-evil: 1' } },
    { flows: [] },
    { tokenAuthMethod: 'carrier_pigeon' },
    { revocation: { url: 'https://x.example/', style: 'rfc7009', method: 'DELETE' } },
    { revocation: { url: 'https://x.example/', tokens: [] } },
    { limits: { requestsPerMinute: 0 } },
    { circuit: { failures: -1 } },
    { response: { extra: { a: 'b..c' } } },
    { scopeAliases: { mail: 'e mail' } },
    { scopeAliases: { a: 'b', b: 'c' } },
    { scopeAliases: { mail: 'email', Mail: 'other' } },
    { scopeAliases: { 'https://p.example/a': 'b', a: 'c' }, scopePrefix: 'https://p.example/' },
    { scopePrefix: 'https://p.example' },
    { scopePrefix: 'Mail.' },
    { aliases: ['Plain'] },
    { test: { url: 'https://x.example/me', tokenHeader: 'x token' } },
    { test: { url: 'https://x.example/me', tokenScheme: 'Bearer:' } },
    { revocation: { url: 'https://x.example/', style: 'json', method: 'GET' } },
    { setupNotes: ['no capital, no full stop'] },
    { setupNotes: 'Register an application.' },
    { revocationEnds: { what: 'token', sentence: 'The token is revoked.' } },
    { revocation: { url: 'https://x.example/' }, revocationEnds: { what: 'nothing', sentence: 'Nothing is revoked.' } },
    { revocation: { url: 'https://x.example/' }, revocationEnds: { what: 'sometimes', sentence: 'It varies.' } },
  ])('a template with %j does not load', (members) => {
    expect(() => load({ 'x.json': minimal('x', members) })).toThrow(/x\.json/);
  });

  test.each(['authorizeParams', 'tokenParams', 'refreshParams'])(
    'a template whose %s name an unknown variable does not load, also if another set has a parameter of that name',
    (faulty) => {
      const sound = { authorizeParams: { a: 'x' }, tokenParams: { a: 'x' }, refreshParams: { a: 'x' } };
      expect(() => load({ 'x.json': minimal('x', { ...sound, [faulty]: { a: '{missing}' } }) })).toThrow(/\{missing\}/);
    },
  );
});

describe('URL variables', () => {
  const template = templateSchema.parse({
    id: 'x',
    displayName: 'X',
    variables: {
      host: { pattern: '^.+$', description: 'A pattern that accepts every host.' },
      tenant: { pattern: '^.+$', default: 'common', description: 'A pattern that accepts every path segment.' },
      word: { pattern: '^a|b$', description: 'Alternatives without a group.' },
    },
  });
  const url = 'https://{host}/{tenant}/token';

  test.each([
    [{ host: 'acme.example' }, 'https://acme.example/common/token'],
    [{ host: 'acme.example:8443', tenant: 't-1' }, 'https://acme.example:8443/t-1/token'],
    [{ host: 'Acme.Example' }, 'https://Acme.Example/common/token'],
  ])('the variables %j render the URL %s', (variables, expected) => {
    expect(renderUrl(template, variables, url)).toBe(expected);
  });

  test.each([
    'evil.example/',
    'user@evil.example',
    'evil.example#',
    'evil.example?',
    'evil.example\\',
    'a b',
    'evil.example\n',
    '0x7f.1',
    '2130706433',
    '127.1',
    '%65vil.example',
    'éxample.com',
    '[::1]',
    '',
  ])('the host %j is refused although its pattern accepts it, because it changes the host of the URL', (host) => {
    expect(renderUrl(template, { host }, url)).toBeUndefined();
  });

  test.each(['../admin', '..', 'a?b', 'a#b', 'a b', 'a\\b'])(
    'the path segment %j is refused because it changes the shape of the URL',
    (tenant) => {
      expect(renderUrl(template, { host: 'acme.example', tenant }, url)).toBeUndefined();
    },
  );

  test('a pattern with alternatives is anchored as a whole', () => {
    expect(renderUrl(template, { word: 'a' }, 'https://x.example/{word}')).toBe('https://x.example/a');
    for (const word of ['a/evil', 'a-evil', 'evil-b'])
      expect(renderUrl(template, { word }, 'https://x.example/{word}'), word).toBeUndefined();
  });

  test('a placeholder named like a member of Object.prototype has no value', () => {
    expect(renderUrl(template, {}, 'https://x.example/{constructor}')).toBeUndefined();
  });
});
