import { beforeEach, expect, test } from 'vitest';
import { type ClientPauses, createClientPauses } from '../../../../src/oauth/throttling/client-pauses.ts';

const endpoint = 'https://a.example/token';
const caller = { organizationId: 'acme', connectionId: 'one' };
let elapsed: number;
let pauses: ClientPauses;
beforeEach(() => {
  elapsed = 500;
  pauses = createClientPauses(() => elapsed);
});

test('a connection is paused for the requested time', () => {
  pauses.pause(endpoint, caller, 2000);
  elapsed += 1500;
  expect(pauses.leftMs(endpoint, caller)).toBe(500);
  elapsed += 500;
  expect(pauses.leftMs(endpoint, caller)).toBe(0);
});

test.each([
  ['another connection', endpoint, { ...caller, connectionId: 'other' }],
  ['another organisation of a global connection', endpoint, { ...caller, organizationId: 'other' }],
  ['another endpoint of the same connection', 'https://b.example/token', caller],
])('a pause does not affect %s', (_, url, other) => {
  pauses.pause(endpoint, caller, 2000);
  expect(pauses.leftMs(url, other)).toBe(0);
});

test('a pause lasts 30 seconds without a requested time, and at most 15 minutes', () => {
  pauses.pause(endpoint, caller, null);
  expect(pauses.leftMs(endpoint, caller)).toBe(30_000);
  pauses.pause(endpoint, caller, 86_400_000);
  expect(pauses.leftMs(endpoint, caller)).toBe(900_000);
});

test('a shorter pause does not end a longer one', () => {
  pauses.pause(endpoint, caller, 60_000);
  pauses.pause(endpoint, caller, 1000);
  pauses.pause(endpoint, caller, 0);
  expect(pauses.leftMs(endpoint, caller)).toBe(60_000);
});

test('the least recently used pause is dropped beyond 10,000 pauses', () => {
  const connection = (index: number) => ({ ...caller, connectionId: `connection-${index}` });
  for (let i = 0; i <= 10_000; i++) pauses.pause(endpoint, connection(i), 60_000);
  expect(pauses.leftMs(endpoint, connection(0))).toBe(0);
  expect(pauses.leftMs(endpoint, connection(1))).toBe(60_000);
});
