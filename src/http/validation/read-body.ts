import type { z } from 'zod';
import { invalidRequest } from '../../domain/errors.ts';
import { explain, faultsOf } from './faults.ts';

/** Reads a body that came by another way than a request of the API. Throws invalid_request with the faults of the API. */
export function readBody<S extends z.ZodObject>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body, { error: explain });
  if (parsed.success) return parsed.data;
  const [first, ...others] = faultsOf(parsed.error.issues, '', Object.keys(schema.shape));
  throw invalidRequest(first ?? { path: 'body', message: 'is not valid' }, ...others);
}
