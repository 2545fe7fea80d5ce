import { expect, test } from 'vitest';
import { doctorPage } from '../../../../src/console/operations/doctor-page.ts';
import type { CheckResult } from '../../../../src/doctor/check.ts';

const results: CheckResult[] = [
  { name: 'database', state: 'ok', found: 'The database answers.', next: null },
  { name: 'queue', state: 'failed', found: 'The queue <b>takes</b> no jobs.', next: 'Start Redis.' },
  { name: 'workers', state: 'warning', found: 'REFRESH_MODE is off.', next: 'Leave it on a copy.' },
  { name: 'proxy', state: 'skipped', found: 'Not read here.', next: null },
];

test('each check has its state as a word and as a colour, what was found, and what to do', () => {
  const { text } = doctorPage(results);
  for (const [tone, name, state] of [
    ['good', 'database', 'ok'],
    ['bad', 'queue', 'failed'],
    ['warn', 'workers', 'warning'],
    ['quiet', 'proxy', 'skipped'],
  ]) {
    expect(text).toContain(`<li class="result ${tone}">\n<h2>${name} <span class="badge ${tone}">${state}</span></h2>`);
  }
  expect(text).toContain('The queue &lt;b&gt;takes&lt;/b&gt; no jobs.');
  expect(text.match(/class="next"/g)).toHaveLength(2);
});

test('the title counts the states, those that need a person first, and says when nothing is wrong', () => {
  const { text } = doctorPage(results);
  expect(text).toMatch(/1 failed<.*1 warning<.*1 ok<.*1 skipped</);
  expect(text).not.toContain('Nothing is wrong.');
  const well = doctorPage(results.filter(({ state }) => state === 'ok' || state === 'skipped')).text;
  expect(well).toContain('Nothing is wrong.');
  expect(well).not.toContain('0 failed');
});
