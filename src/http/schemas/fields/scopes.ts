import { z } from 'zod';
import { parseScopes, scopeTokenPattern, unique } from '../../../domain/grants/scopes.ts';

const maxScopes = 200;
const scope = z.string().max(512).regex(scopeTokenPattern, 'is not a scope (RFC 6749 §3.3)');
const several = z.array(scope).max(maxScopes);

const inOneString = z
  .string()
  .max(20_000)
  .transform(parseScopes)
  .pipe(several)
  .describe('Scopes separated by spaces or commas.');

/** Scopes as an array, or as one string separated by spaces or commas. Removes duplicates. */
export const scopes = z.union([several, inOneString]).transform(unique);

/** Scopes in a query, such as `a,b`. An empty value requires no scope. */
export const queryScopes = inOneString.default([]).meta({ openapi: { type: 'string', maxLength: 20_000 } });
