import { expect, test } from 'vitest';
import { readUtc } from '../../../../src/console/audit/audit-query.ts';
import { readableDetails } from '../../../../src/console/audit/details.ts';

test.each([
  ['2030-01-31', '2030-01-31T00:00:00.000Z'],
  ['2030-01-31T12:05', '2030-01-31T12:05:00.000Z'],
  ['2030-01-31T12:05:07', '2030-01-31T12:05:07.000Z'],
  ['2030-01-31T12:05:07.250Z', '2030-01-31T12:05:07.250Z'],
])('%s is a time in UTC', (text, iso) => {
  expect(readUtc(text)?.toISOString()).toBe(iso);
});

test.each(['', 'now', '2030-02-30', '2030-13-01', '2030-01-31T25:00', '1969-12-31', '2030-01-31T12:00+02:00'])(
  '%s is no time in UTC',
  (text) => {
    expect(readUtc(text)).toBeUndefined();
  },
);

test('details are read as words, and absent values are left out', () => {
  expect(
    readableDetails({
      http_status: 400,
      error: null,
      secret_changed: false,
      scopes: ['a', 'b'],
      account_id: '17',
      none: [],
    }),
  ).toEqual([
    ['HTTP status', '400'],
    ['secret changed', 'no'],
    ['scopes', 'a, b'],
    ['account id', '17'],
  ]);
});
