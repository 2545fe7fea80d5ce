import { afterAll, beforeAll, expect, test } from 'vitest';
import { openService, type Service } from './service.ts';

const allowed = 20;
let service: Service;
beforeAll(async () => {
  service = await openService({ RATE_LIMIT_MAX: String(allowed) });
});
afterAll(() => service?.close());

async function statuses(count: number, call: () => Promise<{ status: number }>): Promise<number[]> {
  const all: number[] = [];
  for (let at = 0; at < count; at++) all.push((await call()).status);
  return all;
}

test('public routes answer 429 with Retry-After past the allowance, health routes never', async () => {
  const last = (await statuses(allowed + 5, () => service.api.get('/openapi.json'))).at(-1);
  expect(last).toBe(429);
  const answer = await service.api.get('/openapi.json');
  expect(answer.body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  const page = await fetch(`${service.broker.url}/authorize/${'a'.repeat(43)}`);
  expect(page.status).toBe(429);
  expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
  for (const path of ['/health', '/livez', '/readyz'])
    expect(new Set(await statuses(allowed + 5, () => service.api.get(path)))).toEqual(new Set([200]));
});

test('failed authentication answers 429 past the allowance, and whoever has a key goes on', async () => {
  const stranger = service.as('nonsense');
  const answers = await statuses(allowed + 5, () => stranger.get('/connections'));
  expect(answers.slice(0, allowed)).toEqual(Array(allowed).fill(401));
  expect(answers.at(-1)).toBe(429);
  expect(new Set(await statuses(allowed + 5, () => service.api.get('/connections')))).toEqual(new Set([200]));
});
