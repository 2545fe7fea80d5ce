import { expect, test } from 'vitest';
import { returnLocation } from '../../../../src/http/browser/return-location.ts';
import { aConnectedOutcome } from '../../../support/builders/outcome.ts';

const outcome = aConnectedOutcome();

test.each([
  ['https://a.example', 'https://a.example/?status=completed&connection_name=crm'],
  ['https://a.example/x?', 'https://a.example/x?status=completed&connection_name=crm'],
  ['https://a.example/x?a=%20b+c&d', 'https://a.example/x?a=%20b+c&d&status=completed&connection_name=crm'],
  ['https://a.example/x#f?g', 'https://a.example/x?status=completed&connection_name=crm#f?g'],
  ['https://ä.example/ö', 'https://xn--4ca.example/%C3%B6?status=completed&connection_name=crm'],
])('the outcome is added to the return_url %s, whose other parts are kept', (returnUrl, expected) => {
  expect(returnLocation(returnUrl, outcome)).toBe(expected);
});

test('outcome parameters in a return_url are removed, also with an encoded name', () => {
  const forged = 'https://a.example/?status=x&%73tatus=x&connection_name=x&status_reason=x&statuses=1';
  expect(returnLocation(forged, { ...outcome, status: 'failed', statusReason: 'test_failed' })).toBe(
    'https://a.example/?statuses=1&status=failed&connection_name=crm&status_reason=test_failed',
  );
});

test('client_state comes back as it was sent, and a forged one is removed', () => {
  const location = returnLocation('https://a.example/?client_state=forged', { ...outcome, clientState: 'a&b=ä' });
  expect(new URL(location).searchParams.getAll('client_state')).toEqual(['a&b=ä']);
  expect(
    new URL(returnLocation('https://a.example/?client_state=forged', outcome)).searchParams.has('client_state'),
  ).toBe(false);
});
