import { z } from 'zod';
import { parseScopes, scopeTokenPattern, unique } from '../../domain/scopes.ts';

const maxScopes = 200;
const scope = z.string().max(512).regex(scopeTokenPattern, 'is not a scope (RFC 6749 §3.3)');
const several = z.array(scope).max(maxScopes);

const inOneString = z
  .string()
  .max(20_000)
  .transform(parseScopes)
  .pipe(several)
  .describe('Separated by spaces or commas.');

/** An array, or one string with spaces or commas; each scope once. */
export const scopes = z.union([several, inOneString]).transform(unique);

/** `a,b` in a query; empty asks for none. */
export const queryScopes = inOneString.default([]).meta({ openapi: { type: 'string', maxLength: 20_000 } });
