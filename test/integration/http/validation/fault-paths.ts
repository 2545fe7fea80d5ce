import type { InjectOptions } from 'fastify';
import { expect } from 'vitest';
import type { HttpFixture } from '../../../support/http/server-fixture.ts';

/** Sends a request that must be refused as invalid. Returns the paths of its faults, sorted. */
export async function faultPaths({ call }: HttpFixture, request: InjectOptions): Promise<string[]> {
  const response = await call(request);
  expect(response.statusCode, response.body).toBe(400);
  const { code, errors } = response.json();
  expect(code).toBe('invalid_request');
  return errors.map(({ path }: { path: string }) => path).sort();
}
