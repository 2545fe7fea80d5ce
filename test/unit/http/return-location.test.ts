import { describe, expect, test } from 'vitest';
import { returnLocation } from '../../../src/http/return-location.ts';

const outcome = {
  kind: 'settled',
  status: 'completed',
  statusReason: null,
  message: '',
  connectionName: 'crm',
  organizationId: null,
  provider: '',
  subject: null,
  account: null,
  returnUrl: null,
} as const;

describe('where the browser is sent afterwards', () => {
  test.each([
    ['https://a.example', 'https://a.example/?status=completed&connection_name=crm'],
    ['https://a.example/x?', 'https://a.example/x?status=completed&connection_name=crm'],
    ['https://a.example/x?a=%20b+c&d', 'https://a.example/x?a=%20b+c&d&status=completed&connection_name=crm'],
    ['https://a.example/x#f?g', 'https://a.example/x?status=completed&connection_name=crm#f?g'],
    ['https://ä.example/ö', 'https://xn--4ca.example/%C3%B6?status=completed&connection_name=crm'],
  ])('%s', (returnUrl, expected) => {
    expect(returnLocation(returnUrl, outcome)).toBe(expected);
  });

  test('whoever made the link cannot tell the outcome, however the name is spelt', () => {
    const forged = 'https://a.example/?status=x&%73tatus=x&connection_name=x&status_reason=x&statuses=1';
    expect(returnLocation(forged, { ...outcome, status: 'failed', statusReason: 'test_failed' })).toBe(
      'https://a.example/?statuses=1&status=failed&connection_name=crm&status_reason=test_failed',
    );
  });
});
