import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forecastPanel } from '../../../../src/console/overview/forecast-panel.ts';
import { forecastPicture, periodText, totals } from '../../../../src/console/overview/forecast-picture.ts';
import type { BoundedCount, ForecastPeriod } from '../../../../src/domain/ports/fleet.ts';

const now = new Date('2030-01-31T12:00:00Z');
const hourMs = 3_600_000;
const count = fc.record({ count: fc.nat({ max: 2000 }), isComplete: fc.boolean() });
const numbers = fc.record({ accessTokensExpiring: count, refreshes: count, refreshTokensDying: count });

const periodsOf = (each: readonly Omit<ForecastPeriod, 'from' | 'to'>[], lengthMs: number): ForecastPeriod[] =>
  each.map((period, at) => ({
    ...period,
    from: new Date(now.getTime() + at * lengthMs),
    to: new Date(now.getTime() + (at + 1) * lengthMs),
  }));
const none: BoundedCount = { count: 0, isComplete: true };
const still = { accessTokensExpiring: none, refreshes: none, refreshTokensDying: none };

/** Numbers of each row of a table, as text. */
const rowsOf = (table: string) =>
  [...table.matchAll(/<tr><th scope="row">.*?<\/th>(.*?)<\/tr>/gs)].map(([, cells = '']) =>
    [...cells.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell),
  );
/** Numbers of each period of a picture, from the words that a pointer and a screen reader get. */
const wordsOf = (picture: string) =>
  [...picture.matchAll(/<g><title>(.*?)<\/title>/g)].map(([, words = '']) =>
    [...words.matchAll(/(at least )?([\d,]+) (?:access|refresh(?:es)?\b(?! token)|refresh token)/g)].map(
      ([, bound, number]) => `${number}${bound === undefined ? '' : '+'}`,
    ),
  );

test('the picture and the table hold the same numbers, for every period and in all', () => {
  const week = fc.array(numbers, { minLength: 7, maxLength: 7 });
  const day = fc.array(numbers, { minLength: 24, maxLength: 24 });
  fc.assert(
    fc.property(day, week, (hours, days) => {
      fc.pre(days.some((each) => each.refreshes.count > 0));
      const forecast = { hours: periodsOf(hours, hourMs), days: periodsOf(days, 24 * hourMs) };
      const figures = forecastPanel(forecast).text.match(/<figure>.*?<\/figure>/gs) ?? [];
      expect(figures).toHaveLength(2);
      for (const [at, periods] of [forecast.hours, forecast.days].entries()) {
        const figure = figures[at] ?? '';
        const rows = rowsOf(figure);
        expect(rows.slice(0, -1)).toEqual(wordsOf(figure));
        expect(rows.slice(0, -1)).toHaveLength(periods.length);
        expect(figure).toContain(`In all: ${periodText(totals(periods))}.`);
        const sum = totals(periods).refreshes;
        expect(rows.at(-1)?.[1]).toBe(`${sum.count.toLocaleString('en')}${sum.isComplete ? '' : '+'}`);
      }
    }),
    { numRuns: 8 },
  );
});

test('a dying refresh token has a sign of its own shape, and no other period has it', () => {
  const days = periodsOf([still, { ...still, refreshTokensDying: { count: 2, isComplete: true } }, still], hourMs);
  const { text } = forecastPicture({ id: 'days', title: 'Days', periods: days, edges: {} });
  const groups = text.match(/<g>.*?<\/g>/gs) ?? [];
  expect(groups.map((group) => group.includes('class="dying"'))).toEqual([false, true, false]);
  expect(groups.map((group) => group.includes('url(#days-dies)'))).toEqual([false, true, false]);
});

test('bars grow with their numbers, and a single grant among thousands is still seen', () => {
  const of = (count: number) => ({ ...still, refreshes: { count, isComplete: true } });
  const periods = periodsOf([of(2000), of(1000), of(1), of(0)], hourMs);
  const { text } = forecastPicture({ id: 'p', title: 'P', periods, edges: {} });
  const heights = [...text.matchAll(/class="refreshing"[^>]* height="(\d+)"/g)].map(([, height]) => Number(height));
  expect(heights).toEqual([70, 35, 2]);
});

test('the picture has a name and a text for screen readers, and no style that the policy forbids', () => {
  const periods = periodsOf([{ ...still, refreshes: { count: 3, isComplete: true } }], hourMs);
  const { text } = forecastPicture({ id: 'p', title: 'The next hour', periods, edges: { 0: 'now', 1: '+1 h' } });
  expect(text).toMatch(/role="img" aria-labelledby="p-title p-text"/);
  expect(text).toContain('<title id="p-title">The next hour</title>');
  expect(text).toContain('In all: 0 access tokens expire, 3 refreshes, 0 refresh tokens die.');
  expect(text).not.toMatch(/\sstyle=|<style|NaN|undefined/);
});

test('a week without any event is a sentence', () => {
  const forecast = { hours: periodsOf([still], hourMs), days: periodsOf([still, still], 24 * hourMs) };
  expect(forecastPanel(forecast).text).toContain('No token expires and no refresh is due within 7 days.');
  expect(forecastPanel(forecast).text).not.toContain('<svg');
});
