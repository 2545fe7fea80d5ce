import { expect, test } from 'vitest';
import { allowedReturnUrl, ownReturnUrl } from '../../../src/domain/return-url.ts';

const allowed = ['https://app.test', 'https://exact.test/done?from=broker'];

test.each([
  ['https://app.test', 'https://app.test/'],
  ['https://app.test/any/path?q=1#part', 'https://app.test/any/path?q=1#part'],
  ['https://APP.test:443/x', 'https://app.test/x'],
  ['https://exact.test/done?from=broker', 'https://exact.test/done?from=broker'],
])('the return URL %s is allowed and normalised to %s', (requested, normalised) => {
  expect(allowedReturnUrl(requested, allowed)).toBe(normalised);
});

test.each([
  '//evil.test',
  '/\\evil.test',
  '\\\\evil.test',
  'https:/\\evil.test',
  'https:app.test',
  'https:///app.test',
  'https://app.test\\@evil.test',
  'https://app.test@evil.test/',
  'https://user@app.test/',
  'https://:@evil.test/',
  'https://app.test.evil.test/',
  'https://app.test%2f@evil.test/',
  'https://app.test%40evil.test/',
  'https%3A%2F%2Fapp.test',
  ' https://app.test/',
  'https://app.test/\n',
  'https://ap\tp.test/',
  'http://app.test/',
  'https://app.test:8443/',
  'https://exact.test/',
  'https://exact.test/done',
  'https://exact.test/done?from=broker&more=1',
  'javascript:alert(1)',
  'javascript://app.test/%0aalert(1)',
  'data:text/html,x',
  '/done',
  '',
  `https://app.test/${'x'.repeat(3000)}`,
])('the return URL %j is refused', (requested) => {
  expect(allowedReturnUrl(requested, allowed)).toBeUndefined();
});

test('an empty list of return URLs allows none', () => {
  expect(allowedReturnUrl('https://app.test/', [])).toBeUndefined();
});

const broker = 'https://Broker.test/api';

test.each([
  ['https://broker.test/api/console/connections/crm?organization=acme', undefined],
  ['https://BROKER.test:443/api/console/', 'https://broker.test/api/console/'],
])('the page %s of the console is a return URL', (requested, normalised = requested) => {
  expect(ownReturnUrl(requested, broker)).toBe(normalised);
});

test.each([
  'https://broker.test/api/consoles',
  'https://broker.test/api/console/../authorize/x',
  'https://broker.test/console/connections',
  'https://broker.test/api/connections',
  'https://evil.test/api/console/connections',
  'https://broker.test@evil.test/api/console/',
  'https://broker.test/api/console\\..\\x',
  'http://broker.test/api/console/connections',
  '/api/console/connections',
  `https://broker.test/api/console/${'a'.repeat(2048)}`,
])('%s is no page of the console', (requested) => {
  expect(ownReturnUrl(requested, broker)).toBeUndefined();
});
