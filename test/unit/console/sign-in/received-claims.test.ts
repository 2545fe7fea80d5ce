import { expect, test } from 'vitest';
import { describeReceived } from '../../../../src/console/sign-in/received-claims.ts';

test('names and values are printable, and control characters and changes of direction are gone', () => {
  const claims = { 'na\u0000me\u202e': 1, groups: ['a\r\nSet-Cookie: x', '\u0007'] };
  expect(describeReceived(claims, 'groups', [])).toEqual({
    claim: 'groups',
    names: ['groups', 'na me'],
    values: ['a Set-Cookie: x'],
    omitted: 1,
  });
});

test('ten megabytes and ten thousand claims are cut', () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`claim-${at}`, 'x'.repeat(1000)]));
  const groups = Array.from({ length: 100 }, () => 'y'.repeat(100_000));
  const received = describeReceived({ groups, ...many }, 'groups', []);
  expect(JSON.stringify(received).length).toBeLessThan(20_000);
  expect(received).toMatchObject({ omitted: 10_001 - 50 + 80 });
  expect(received.values[0]).toHaveLength(200);
});

test('a value that repeats a token is left out', () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln';
  const received = describeReceived({ groups: [`x ${token}`, 'admins'] }, 'groups', [token]);
  expect(received).toMatchObject({ values: ['admins'], omitted: 1 });
});
