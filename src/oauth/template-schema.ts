import { z } from 'zod';
import { flows, tokenAuthMethods } from '../domain/connection.ts';
import { scopeTokenPattern } from '../domain/scopes.ts';
import type { ProviderTemplate } from '../domain/template.ts';

const text = z.string().min(1).max(500);
const texts = z.record(z.string().regex(/^[A-Za-z0-9_.-]+$/), z.string().max(2000));
const headers = z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string().regex(/^[\x20-\x7e]*$/));
/** May hold `{placeholders}`; what they make of it is judged once they are filled in. */
const url = z
  .string()
  .regex(/^https:\/\/[^\s]+$/)
  .max(2000);
const path = z.string().regex(/^[^.|]+(\.[^.|]+)*(\|[^.|]+(\.[^.|]+)*)*$/);
const paths = z.record(text, path);
const nullable = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

const variable = z
  .strictObject({
    pattern: z.string().regex(/^\^.*\$$/, 'must be anchored'),
    default: nullable(z.string()),
    description: text,
  })
  .refine(
    (spec) => spec.default === null || fullMatch(spec.pattern, spec.default),
    'the default does not match the pattern',
  );

const testProbe = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  url,
  headers: headers.default({}),
  body: nullable(z.string()),
  scopes: z.array(text).default([]),
  accountId: nullable(path),
  accountName: nullable(path),
});

const response = z.strictObject({
  success: nullable(z.strictObject({ path, equals: z.union([z.string(), z.number(), z.boolean()]) })),
  map: paths.default({}),
  error: nullable(path),
  extra: paths.default({}),
  callbackExtra: z.record(text, text).default({}),
  accountId: nullable(path),
  accountName: nullable(path),
});

const expiry = z.strictObject({
  defaultLifetimeSeconds: nullable(z.number().int().positive()),
  unit: z.enum(['seconds', 'milliseconds']).default('seconds'),
  absolute: nullable(path),
});

const count = nullable(z.number().int().positive());

const revocation = z
  .strictObject({
    url,
    style: z.enum(['rfc7009', 'json', 'bearer', 'path', 'query']).default('rfc7009'),
    method: z.enum(['POST', 'DELETE']).default('POST'),
    tokens: z
      .array(z.enum(['refresh_token', 'access_token']))
      .min(1)
      .default(['refresh_token', 'access_token']),
  })
  .refine(
    ({ style, method }) => method === 'POST' || (style !== 'rfc7009' && style !== 'json'),
    'this style is always POST',
  );

const refresh = z.discriminatedUnion('strategy', [
  z.strictObject({ strategy: z.literal('refresh_token') }),
  z.strictObject({ strategy: z.literal('exchange_access_token'), grantType: text, tokenParam: text }),
]);

/** A provider's data file: it holds only where the provider deviates; everything left out is plain RFC 6749 with PKCE. */
export const templateSchema: z.ZodType<ProviderTemplate> = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  displayName: text,
  documentationUrl: nullable(url),
  flows: z.array(z.enum(flows)).min(1).default(['authorization_code', 'refresh_token']),
  authorizationUrl: nullable(url),
  tokenUrl: nullable(url),
  refreshUrl: nullable(url),
  variables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), variable).default({}),
  issuer: nullable(text),
  issRequired: z.boolean().default(false),
  pkce: z.boolean().default(true),
  defaultScopes: z.array(z.string().regex(scopeTokenPattern)).default([]),
  scopeSeparator: z.string().min(1).max(3).default(' '),
  authorizeParams: texts.default({}),
  authorizeParamsIn: z.enum(['query', 'fragment']).default('query'),
  unencodedParams: z.array(text).default([]),
  tokenParams: texts.default({}),
  refreshParams: texts.default({}),
  tokenAuthMethod: z.enum(tokenAuthMethods).default('client_secret_basic'),
  clientAssertionAudience: z.enum(['token_url', 'issuer']).default('token_url'),
  requestBody: z.enum(['form', 'json', 'query']).default('form'),
  requestHeaders: headers.default({}),
  renamedParams: z.record(text, text.nullable()).default({}),
  codeParam: text.default('code'),
  refresh: refresh.default({ strategy: 'refresh_token' }),
  sendScopeOnRefresh: z.boolean().default(false),
  response: response.prefault({}),
  expiry: expiry.prefault({}),
  refreshToken: z
    .strictObject({
      rotates: nullable(z.boolean()),
      lifetimeDays: nullable(z.number().positive()),
      idleDays: nullable(z.number().positive()),
    })
    .prefault({}),
  revocation: nullable(revocation),
  test: nullable(testProbe),
  limits: z.strictObject({ concurrency: count, requestsPerMinute: count }).prefault({}),
  circuit: z.strictObject({ failures: count, openSeconds: count, successes: count }).prefault({}),
  terminalErrors: z.array(text).default([]),
  clientErrors: z.array(text).default([]),
  detect: z.array(z.string().regex(/^(\*\.)?[a-z0-9.-]+$/)).default([]),
});

/** Anchors the whole of an anchored pattern: `^a|b$` alone would let anything through that begins with `a`. */
export function fullMatch(pattern: string, value: string): boolean {
  return new RegExp(`^(?:${pattern.slice(1, -1)})$`).test(value);
}
