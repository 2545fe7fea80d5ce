import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownPage, signInPath } from '../../../../src/console/sign-in/own-page.ts';

test.each([
  '/console',
  '/console?done=x',
  '/console/connections?q=a%2Fb&organization=',
  '/console/connections/crm%20x/grants/01980c2f',
  '/console/sign-instructions',
])('%s is a page of the console', (page) => {
  expect(ownPage.parse(page)).toBe(page);
});

test.each([
  '//evil.example/console',
  '/\\evil.example',
  '/console\\..\\..\\evil',
  '/console/..//evil.example',
  '/console/../admin/api-keys',
  '/console/%2e%2e/admin',
  '/console/.%2E/',
  'https://evil.example/console',
  'https:/console',
  'http:console',
  'javascript:alert(1)//console',
  'data:text/html,/console',
  '/\t/evil.example/console',
  '/console\r\nset-cookie: a=b',
  ' /console',
  '/consoles',
  '/consol%65/..',
  '/console@evil.example',
  '/console.evil.example',
  '/authorize/state',
  '/console/sign-in',
  '/console/sign-in/provider?next=/console',
  '/console/./sign-in/provider',
  `/console/${'x'.repeat(2000)}`,
  `/console/${'ü'.repeat(400)}`,
  '',
])('%j is no page of the console', (address) => {
  expect(ownPage.parse(address)).toBeUndefined();
});

test('whatever the address, a browser that follows it stays below /console of this origin', () => {
  const origin = 'https://broker.example';
  const part = fc.constantFrom(
    '/console',
    '/',
    '\\',
    '..',
    '.',
    '%2e',
    '%2f',
    '%5c',
    '@',
    ':',
    '?',
    '#',
    '\t',
    'evil.example',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 4 })), { maxLength: 8 }), (parts) => {
      const page = ownPage.parse(`/console${parts.join('')}`);
      if (page === undefined) return;
      // With PUBLIC_URL below a path, the page comes after that path.
      for (const base of ['', '/prefix']) {
        const url = new URL(`${base}${page}`, origin);
        expect(url.origin).toBe(origin);
        expect(url.pathname).toMatch(new RegExp(`^${base}/console(?:$|/)`));
      }
      expect(page).toMatch(/^[\x21-\x7e]{1,2000}$/);
      expect(ownPage.parse(page)).toBe(page);
    }),
  );
});

test('the sign-in keeps the page, but not the overview, where it leads anyway', () => {
  expect(signInPath('/console')).toBe('/console/sign-in');
  expect(signInPath(undefined, '/provider')).toBe('/console/sign-in/provider');
  expect(signInPath('/console/audit?a=b', '/provider')).toBe(
    '/console/sign-in/provider?next=%2Fconsole%2Faudit%3Fa%3Db',
  );
});
