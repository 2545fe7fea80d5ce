import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRateLimits } from '../../../../src/http/limits/rate-limit.ts';
import type { RequestCounter } from '../../../../src/http/limits/request-counter.ts';

const max = 3;
const kept = 5_010;
let app: FastifyInstance;
let counter: RequestCounter;
beforeEach(async () => {
  app = fastify();
  ({ failures: counter } = await createRateLimits(app, max, undefined, kept));
});
afterEach(() => app.close());

/** The members of a request that a counter reads. */
const requestOf = (clientAddress: string) => ({ clientAddress, routeOptions: {} }) as unknown as FastifyRequest;

const addressOf = (number: number) => `2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`;

async function countOthers(from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) await counter.count(requestOf(addressOf(number)));
}

async function exceed(address: string): Promise<void> {
  for (let used = 0; used < max; used++) await counter.count(requestOf(address));
  await expect(counter.count(requestOf(address))).rejects.toMatchObject({ code: 'rate_limited' });
}

test('as many addresses as are kept reset the count of no other address', async () => {
  await exceed('203.0.113.7');
  await countOthers(0, kept - 1);
  expect(counter.remaining(requestOf('203.0.113.7'))).toBe(-1);
  await expect(counter.count(requestOf('203.0.113.7'))).rejects.toMatchObject({ code: 'rate_limited' });
});

test('memory is bounded: beyond the addresses that are kept, the least recently seen one starts again', async () => {
  await exceed('203.0.113.7');
  await countOthers(0, kept);
  await expect(counter.count(requestOf('203.0.113.7'))).resolves.toBeUndefined();
});

test('memory of exceeded addresses is bounded: only the one that exceeded first is forgotten', async () => {
  for (let number = 0; number <= kept; number++) await exceed(addressOf(number));
  expect(counter.remaining(requestOf(addressOf(0)))).toBe(max);
  expect(counter.remaining(requestOf(addressOf(1)))).toBe(-1);
  expect(counter.remaining(requestOf(addressOf(kept)))).toBe(-1);
});

test.each([1, 2, max, max + 1, 10 * max])(
  'of %s requests that arrive together, as many as the limit allows are served',
  async (count) => {
    const request = requestOf('203.0.113.7');
    const counted = await Promise.allSettled(Array.from({ length: count }, () => counter.count(request)));
    expect(counted.filter(({ status }) => status === 'fulfilled')).toHaveLength(Math.min(count, max));
  },
);

test('the addresses of one IPv6 network of 64 bits count as one', async () => {
  await exceed('2001:db8::1');
  expect(counter.remaining(requestOf('2001:db8::ffff:2'))).toBe(-1);
  expect(counter.remaining(requestOf('2001:db8:0:1::1'))).toBe(max);
});
