import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCatalogue } from '../../../src/oauth/catalogue.ts';
import { outboundUrlFault } from '../../../src/oauth/outbound-url.ts';
import { templateSchema } from '../../../src/oauth/template-schema.ts';
import { renderUrl, templateUrls } from '../../../src/oauth/template-urls.ts';

const catalogue = createCatalogue();

describe('the shipped templates', () => {
  test.each([
    'generic',
    'google',
    'google-gmail',
    'google-calendar',
    'google-drive',
    'youtube',
    'google-search-console',
    'microsoft-graph',
    'slack',
    'notion',
    'github',
    'gitlab',
    'dropbox',
    'zoom',
    'atlassian-jira',
    'discord',
    'salesforce',
    'hubspot',
    'quickbooks',
    'linear',
    'wordpress-com',
  ])('%s is there, and each of its URLs may be called with the default variables', (id) => {
    const template = catalogue.find(id);
    if (template === undefined) throw new Error('missing');
    for (const url of templateUrls(template).filter((each) => each !== '{issuer}')) {
      const rendered = renderUrl(template, {}, url);
      expect(rendered && outboundUrlFault(rendered, false)).toBeNull();
    }
  });

  test('an unverified fact is left out, not shipped as text', () => {
    expect(JSON.stringify(catalogue.list())).not.toMatch(/"[^"]*\? ?(\([^"]*\))?"/);
  });

  test('an authorization URL tells its provider by its host alone', () => {
    expect(catalogue.detect('https://accounts.google.com/o/oauth2/v2/auth?x=1')?.id).toBe('google');
    expect(catalogue.detect('https://slack.com/oauth/v2/authorize')?.id).toBe('slack');
    for (const url of [
      'https://accounts.google.com.evil.example/',
      'https://evil.example/accounts.google.com',
      'nonsense',
      '',
    ]) {
      expect(catalogue.detect(url)).toBeUndefined();
    }
  });
});

describe('loading', () => {
  const load = (files: Record<string, unknown>) => {
    const directory = mkdtempSync(join(tmpdir(), 'templates-'));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
    return createCatalogue(directory);
  };
  const minimal = (id: string, members: object = {}) => ({ id, displayName: id, ...members });

  test('a provider is one data file that says only where it deviates', () => {
    expect(load({ 'plain.json': minimal('plain') }).find('plain')).toMatchObject({
      pkce: true,
      scopeSeparator: ' ',
      requestBody: 'form',
      codeParam: 'code',
    });
  });

  test('every fault of every file is told at once', () => {
    const files = {
      'a.json': minimal('a', { pkcs: false }),
      'b.json': minimal('other'),
      'c.json': minimal('c', { tokenUrl: 'https://{tenant}.example/token' }),
      'd.json': minimal('d', { detect: ['same.example'] }),
      'e.json': minimal('e', { detect: ['same.example'] }),
      'f.json': '{',
    };
    expect(() => load(files)).toThrow(
      /a\.json[\s\S]*pkcs[\s\S]*b\.json[\s\S]*c\.json: \{tenant\}[\s\S]*f\.json[\s\S]*same\.example/,
    );
  });

  test.each([
    { tokenUrl: 'http://plain.example/token' },
    { variables: { x: { pattern: '[a-z]+', description: 'not anchored' } } },
    { variables: { x: { pattern: '^[a-z]+$', default: '7', description: 'default unfit' } } },
    { requestHeaders: { 'x-a': 'b\r\nx-evil: 1' } },
    { flows: [] },
    { tokenAuthMethod: 'carrier_pigeon' },
    { revocation: { url: 'https://x.example/', style: 'rfc7009', method: 'DELETE' } },
    { revocation: { url: 'https://x.example/', tokens: [] } },
    { limits: { requestsPerMinute: 0 } },
    { circuit: { failures: -1 } },
    { response: { extra: { a: 'b..c' } } },
  ])('a template with %j does not load', (members) => {
    expect(() => load({ 'x.json': minimal('x', members) })).toThrow(/x\.json/);
  });

  test('an empty folder is a fault: no templates is no broker', () => {
    expect(() => load({})).toThrow();
  });
});

describe('URL variables', () => {
  const template = templateSchema.parse({
    id: 'x',
    displayName: 'X',
    variables: {
      host: { pattern: '^.+$', description: 'As lax as a pattern can be.' },
      tenant: { pattern: '^.+$', default: 'common', description: 'The same in a path.' },
      word: { pattern: '^a|b$', description: 'Alternatives without a group.' },
    },
  });
  const url = 'https://{host}/{tenant}/token';

  test.each([
    [{ host: 'acme.example' }, 'https://acme.example/common/token'],
    [{ host: 'acme.example:8443', tenant: 't-1' }, 'https://acme.example:8443/t-1/token'],
    [{ host: 'Acme.Example' }, 'https://Acme.Example/common/token'],
  ])('%j', (given, expected) => {
    expect(renderUrl(template, given, url)).toBe(expected);
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
  ])('a host of %j leaves its slot or turns into another host, whatever its pattern lets through', (host) => {
    expect(renderUrl(template, { host }, url)).toBeUndefined();
  });

  test.each(['../admin', '..', 'a?b', 'a#b', 'a b', 'a\\b'])(
    'a path segment of %j changes the shape of the URL',
    (tenant) => {
      expect(renderUrl(template, { host: 'acme.example', tenant }, url)).toBeUndefined();
    },
  );

  test('a pattern is anchored as a whole', () => {
    expect(renderUrl(template, { word: 'a' }, 'https://x.example/{word}')).toBe('https://x.example/a');
    expect(renderUrl(template, { word: 'a/evil' }, 'https://x.example/{word}')).toBeUndefined();
  });

  test('names of the prototype are no variables', () => {
    expect(renderUrl(template, {}, 'https://x.example/{constructor}')).toBeUndefined();
  });
});
