import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readLifetime, readProviderClock } from '../../../../src/oauth/responses/stated-times.ts';

const now = new Date('2030-01-01T00:00:00Z');
const epoch = now.getTime() / 1000;
const year = 365 * 86_400;

describe('durations', () => {
  test.each<[unknown, number | null]>([
    [3600, 3600],
    ['3600', 3600],
    [' 3600 ', 3600],
    ['+3600', 3600],
    ['3600.9', 3600],
    ['600 seconds', 600],
    ['1 second', 1],
    ['3600s', 3600],
    ['3600 SEC', 3600],
    ['10 minutes', 600],
    ['10min', 600],
    ['5m', 300],
    ['1 hour', 3600],
    ['1.5 hours', 5400],
    ['2h', 7200],
    ['14 days', 1_209_600],
    ['1 week', 604_800],
    ['3600000 ms', 3600],
    [0, null],
    [0.5, null],
    ['0', null],
    [-1, null],
    ['-3600', null],
    ['', null],
    ['never', null],
    ['10 parsecs', null],
    ['seconds', null],
    [null, null],
    [undefined, null],
    [true, null],
    [[3600], null],
    [{}, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    ['9'.repeat(400), null],
    [1e18, 100 * year],
    [1_209_600_000, 1_209_600_000],
  ])('%j is %j seconds', (value, expected) => {
    expect(readLifetime(value, 'seconds', now)).toBe(expected);
  });

  test.each([
    [1_209_600_000, 1_209_600],
    [3_600_000, 3600],
    [1_900_000_000, 1_900_000],
    [(epoch + 60) * 1000, 60],
  ])('%j in a member of milliseconds is %j seconds', (value, expected) => {
    expect(readLifetime(value, 'milliseconds', now)).toBe(expected);
  });
});

describe('instants', () => {
  test.each<[unknown, number | null]>([
    [epoch + 60, 60],
    [String(epoch + 60), 60],
    [(epoch + 60) * 1000, 60],
    [epoch - 3600, 0],
    [epoch - 2 * 86_400, null],
    [epoch + 11 * year, null],
    [1_209_600_000, null],
    [3600, 3600],
    ['10 minutes', 600],
    ['2030-01-01T00:05:00Z', 300],
    ['2030-01-01T00:05:00.1234567Z', 300],
    ['2030-01-01T00:05:00', 300],
    ['2030-01-01 00:05:00', 300],
    ['2030-01-01 00:05:00 UTC', 300],
    ['2030-01-01 00:05:00 +0000 UTC', 300],
    ['2030-01-01T02:05:00+02:00', 300],
    ['2029-12-31T19:05:00-0500', 300],
    ['2030-01-01T00:05z', 300],
    ['2030-01-02', 86_400],
    ['Tue, 01 Jan 2030 00:05:00 GMT', 300],
    ['Tue, 01 Jan 2030 00:05:00', 300],
    ['Tuesday, 01-Jan-2030 00:05:00 GMT', 300],
    ['1 January 2030 00:05:00 GMT', 300],
    ['Tue, 01 Jan 2030 01:05:00 +0100', 300],
    ['Tue Jan  1 00:05:00 2030', 300],
    ['Tue Jan 01 00:05:00 UTC 2030', 300],
    ['2029-06-01T00:00:00Z', 0],
    ['0001-01-01T00:00:00Z', null],
    ['1970-01-01T00:00:00Z', null],
    ['9999-12-31T23:59:59Z', 100 * year],
    ['2030-01-01 00:05:00 EST', null],
    ['2030-13-01T00:00:00Z', null],
    ['01/02/2030', null],
    ['tomorrow', null],
  ])('%j is %j seconds away', (value, expected) => {
    expect(readLifetime(value, 'instant', now)).toBe(expected);
    // A date in a member for durations means the same.
    if (typeof value === 'string' && /[:-]/.test(value)) expect(readLifetime(value, 'seconds', now)).toBe(expected);
  });
});

test.each([
  'UTC',
  'America/New_York',
  'Asia/Kolkata',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
  'Australia/Lord_Howe',
])('dates mean the same on a machine in the zone %s', (zone) => {
  const script = `
      import { readLifetime } from './src/oauth/responses/stated-times.ts';
      const now = new Date('2030-01-01T00:00:00Z');
      const texts = ['2030-01-01T00:05:00', '2030-01-01 00:05:00', 'Tue, 01 Jan 2030 00:05:00', 'Tue Jan  1 00:05:00 2030',
        '2030-01-01T00:05:00Z', 'Tue, 01 Jan 2030 00:05:00 GMT', '2030-01-01T02:05:00+02:00'];
      console.log(new Date(0).getTimezoneOffset(), JSON.stringify(texts.map((text) => readLifetime(text, 'instant', now))));
    `;
  const options = { env: { ...process.env, TZ: zone }, encoding: 'utf8' as const };
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], options);
  const [offset, lifetimes] = output.trim().split(' ');
  expect(offset === '0').toBe(zone === 'UTC');
  expect(lifetimes).toBe(JSON.stringify(Array.from({ length: 7 }, () => 300)));
});

describe("the provider's clock", () => {
  test.each<[string | null, number]>([
    ['Tue, 01 Jan 2030 00:02:00 GMT', 120],
    ['Mon, 31 Dec 2029 23:00:00 GMT', -3600],
    ['Mon, 31 Dec 2029 00:00:00 GMT', -86_400],
    ['Thu, 26 Nov 2026 12:00:00 GMT', 0],
    ['Tue, 01 Jan 2040 00:00:00 GMT', 0],
    ['soon', 0],
    ['', 0],
    [null, 0],
  ])('the header %j sets it %d seconds apart from the own clock', (header, seconds) => {
    expect((readProviderClock(header, now).getTime() - now.getTime()) / 1000).toBe(seconds);
  });
});
