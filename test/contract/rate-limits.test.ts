import { afterAll, beforeAll, expect, test } from 'vitest';
import { openService, type Service } from './service.ts';

const limit = 20;
let service: Service;
beforeAll(async () => {
  service = await openService({ RATE_LIMIT_MAX: String(limit) });
});
afterAll(() => service?.close());

async function statuses(count: number, call: () => Promise<{ status: number }>): Promise<number[]> {
  const all: number[] = [];
  for (let at = 0; at < count; at++) all.push((await call()).status);
  return all;
}

test('public routes over the limit give 429 with Retry-After, and health routes never do', async () => {
  const last = (await statuses(limit + 5, () => service.api.get('/openapi.json'))).at(-1);
  expect(last).toBe(429);
  const response = await service.api.get('/openapi.json');
  expect(response.body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
  expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  const page = await fetch(`${service.broker.url}/authorize/${'a'.repeat(43)}`);
  expect(page.status).toBe(429);
  expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
  for (const path of ['/health', '/livez', '/readyz'])
    expect(new Set(await statuses(limit + 5, () => service.api.get(path)))).toEqual(new Set([200]));
});

test('a key over its own limit gives 429 with Retry-After on every route, and other keys are not limited', async () => {
  const limited = await service.newKey({ rate_limit_per_minute: 5 });
  const other = await service.newKey({ rate_limit_per_minute: 5 });
  expect(await statuses(7, () => limited.api.get('/connections'))).toEqual([...Array(5).fill(200), 429, 429]);
  const response = await limited.api.get('/admin/api-keys');
  expect(response.body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
  expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  expect((await limited.api.get('/credentials/absent')).status).toBe(429);
  expect((await other.api.get('/connections')).status).toBe(200);
  // Far beyond the limit of addresses, which does not concern callers.
  const free = await service.newKey();
  expect(new Set(await statuses(limit + 5, () => free.api.get('/connections')))).toEqual(new Set([200]));
});

test('refused requests count against the limit of a key', async () => {
  const { api } = await service.newKey({ permissions: ['credentials:read'], rate_limit_per_minute: 3 });
  expect(await statuses(4, () => api.get('/connections'))).toEqual([403, 403, 403, 429]);
});

test('failed authentication over the limit gives 429, and a valid key from that address still works', async () => {
  const unknownKey = service.as('nonsense');
  const responses = await statuses(limit + 5, () => unknownKey.get('/connections'));
  expect(responses.slice(0, limit)).toEqual(Array(limit).fill(401));
  expect(responses.at(-1)).toBe(429);
  expect(new Set(await statuses(limit + 5, () => service.api.get('/connections')))).toEqual(new Set([200]));
});
