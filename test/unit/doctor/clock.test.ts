import { expect, test } from 'vitest';
import { clockCheck } from '../../../src/doctor/checks/clock.ts';
import type { Clocks } from '../../../src/doctor/ground.ts';
import { createGround, noon } from '../../support/cli/doctor-ground.ts';

const clocks = (changes: Partial<Clocks>): Clocks => ({
  sentAt: noon,
  receivedAt: noon + 20,
  date: noon,
  timestamp: noon + 10,
  ...changes,
});
const judge = (changes: Partial<Clocks>, isLocal = true) =>
  clockCheck.run(createGround({ service: { clocks: clocks(changes) }, isLocal }));
const minutes = (count: number) => noon + count * 60_000;

test('the clock that differs from both others is the one to set', async () => {
  expect(await judge({})).toMatchObject({ state: 'ok' });
  const [early, late] = [minutes(-10), minutes(10)];
  expect(await judge({ date: late, timestamp: late })).toMatchObject({
    state: 'failed',
    found: 'The clock of this machine is 600 s behind those of service and database.',
  });
  expect(await judge({ date: early }, false)).toMatchObject({
    state: 'failed',
    found: expect.stringMatching(/^The clock of the service is 59\d s behind that of the database/),
  });
  expect(await judge({ timestamp: late })).toMatchObject({
    state: 'failed',
    found: 'The clock of this machine is 600 s behind that of the database.',
  });
});

test('a difference of seconds is a warning, and what the time of the request explains is none', async () => {
  const ahead = noon + 12_000;
  expect(await judge({ date: ahead, timestamp: ahead })).toMatchObject({ state: 'warning' });
  // The Date header has whole seconds, and the response took four.
  expect(await judge({ receivedAt: noon + 4_000, date: noon - 1_000, timestamp: noon + 3_900 })).toMatchObject({
    state: 'ok',
  });
});

test('a response without a Date header proves nothing against a clock', async () => {
  expect(await judge({ date: Number.NaN })).toMatchObject({ state: 'ok' });
});
