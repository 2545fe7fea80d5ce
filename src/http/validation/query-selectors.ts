import { z } from 'zod';
import type { Fault } from '../../domain/errors.ts';
import type { Declaration } from '../declaration.ts';
import { queryText } from '../schemas/fields/text.ts';

/** Members of a body that may stand in the query instead. */
const selectors = ['subject', 'account_id'] as const;

/** Query parameters of a route: the declared ones and the selectors that its body takes. */
export function queryOf({ query, body }: Declaration): z.ZodObject | undefined {
  const names = body instanceof z.ZodObject ? selectors.filter((name) => name in body.shape) : [];
  if (names.length === 0) return query;
  const described = names.map((name) => [name, queryText(255).describe(`Instead of ${name} in the body.`)] as const);
  return z.object({ ...query?.shape, ...Object.fromEntries(described) });
}

/**
 * Adds the selectors of the query to the body. Reports a fault for one that stands in both with different values:
 * either value could select the token of another person.
 */
export function withQuerySelectors(declaration: Declaration, query: unknown, body: unknown, faults: Fault[]): unknown {
  if (!(declaration.body instanceof z.ZodObject) || !isObject(query) || !isObject(body)) return body;
  const merged = { ...body };
  for (const name of selectors) {
    const named = query[name];
    if (!(name in declaration.body.shape) || typeof named !== 'string' || named === '') continue;
    if (merged[name] === undefined) merged[name] = named;
    else if (merged[name] !== named)
      faults.push({ path: `query.${name}`, message: `differs from ${name} in the body` });
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
