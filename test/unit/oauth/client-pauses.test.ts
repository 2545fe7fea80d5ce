import { beforeEach, expect, test } from 'vitest';
import { type ClientPauses, createClientPauses } from '../../../src/oauth/client-pauses.ts';

const endpoint = 'https://a.example/token';
let elapsed: number;
let pauses: ClientPauses;
beforeEach(() => {
  elapsed = 500;
  pauses = createClientPauses(() => elapsed);
});

test('a pause lasts as long as was asked for', () => {
  pauses.pause(endpoint, 'client', 2000);
  elapsed += 1500;
  expect(pauses.leftMs(endpoint, 'client')).toBe(500);
  elapsed += 500;
  expect(pauses.leftMs(endpoint, 'client')).toBe(0);
});

test('it stops neither another client nor the same one elsewhere', () => {
  pauses.pause(endpoint, 'client', 2000);
  expect(pauses.leftMs(endpoint, 'other')).toBe(0);
  expect(pauses.leftMs('https://b.example/token', 'client')).toBe(0);
});

test('it is 30 seconds where nobody said how long, and a quarter of an hour at most', () => {
  pauses.pause(endpoint, 'client', null);
  expect(pauses.leftMs(endpoint, 'client')).toBe(30_000);
  pauses.pause(endpoint, 'client', 86_400_000);
  expect(pauses.leftMs(endpoint, 'client')).toBe(900_000);
});

test('a shorter one does not end a longer one', () => {
  pauses.pause(endpoint, 'client', 60_000);
  pauses.pause(endpoint, 'client', 1000);
  pauses.pause(endpoint, 'client', 0);
  expect(pauses.leftMs(endpoint, 'client')).toBe(60_000);
});

test('ten thousand others are remembered beside it, and not without end', () => {
  for (let i = 0; i <= 10_000; i++) pauses.pause(endpoint, `client-${i}`, 60_000);
  expect(pauses.leftMs(endpoint, 'client-0')).toBe(0);
  expect(pauses.leftMs(endpoint, 'client-1')).toBe(60_000);
});
