import { z } from 'zod';
import { flows, tokenAuthMethods } from '../../domain/connections/connection.ts';
import { type ProviderTemplate, revocationExtents } from '../../domain/connections/template.ts';
import { createScopeKey, scopeTokenPattern } from '../../domain/grants/scopes.ts';
import { nullable, path, response, text } from './response-schema.ts';

const texts = z.record(z.string().regex(/^[A-Za-z0-9_.-]+$/), z.string().max(2000));
const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
const headers = z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string().regex(/^[\x20-\x7e]*$/));
/** May contain `{placeholders}`. The URL with filled-in values is validated later, for each connection. */
const url = z
  .string()
  .regex(/^https:\/\/[^\s]+$/)
  .max(2000);

const anchored = z
  .string()
  .regex(/^\^.*\$$/, 'must be anchored')
  .refine(isPattern, 'is no pattern');

const variable = z
  .strictObject({
    pattern: anchored,
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
  tokenHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/)
    .default('authorization'),
  tokenScheme: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/)
    .nullable()
    .default('Bearer'),
  body: nullable(z.string()),
  scopes: z.array(text).default([]),
  accountId: nullable(path),
  accountName: nullable(path),
});

const expiry = z.strictObject({
  defaultLifetimeSeconds: nullable(z.number().int().positive()),
  unit: z.enum(['seconds', 'milliseconds']).default('seconds'),
  absolute: nullable(path),
});

const scopeName = z.string().regex(scopeTokenPattern);

const count = nullable(z.number().int().positive());

const revocation = z
  .strictObject({
    url,
    style: z.enum(['rfc7009', 'json', 'bearer', 'path', 'query']).default('rfc7009'),
    method: z.enum(['POST', 'DELETE', 'GET']).default('POST'),
    tokens: z
      .array(z.enum(['refresh_token', 'access_token']))
      .min(1)
      .default(['refresh_token', 'access_token']),
  })
  .refine(
    ({ style, method }) => method === 'POST' || (style !== 'rfc7009' && style !== 'json'),
    'this style is always POST',
  );

/** One plain sentence for a person, in text without markup. */
const sentence = z
  .string()
  .regex(/^[A-Z`].*[.!?]$/, 'must be a sentence')
  .max(500);

const revocationEnds = z.strictObject({ what: z.enum(revocationExtents), sentence });

const failureRule = z
  .strictObject({
    status: nullable(z.number().int().min(200).max(599)),
    path: nullable(path),
    equals: nullable(z.union([z.string().min(1), z.number(), z.boolean()])),
    matches: nullable(anchored),
    class: z.enum(['reauthorization', 'client', 'configuration', 'throttled', 'transient', 'unknown']),
    detail: nullable(text),
  })
  .refine(({ status, path }) => status !== null || path !== null, 'needs a status or a path')
  .refine(({ path, equals, matches }) => path !== null || (equals === null && matches === null), 'needs a path')
  .refine(({ equals, matches }) => equals === null || matches === null, 'equals and matches exclude each other');

const refresh = z.discriminatedUnion('strategy', [
  z.strictObject({ strategy: z.literal('refresh_token') }),
  z.strictObject({ strategy: z.literal('exchange_access_token'), grantType: text, tokenParam: text }),
]);

/** Schema of a provider's data file. A file lists only deviations; every default is plain RFC 6749 with PKCE. */
export const templateSchema: z.ZodType<ProviderTemplate> = z
  .strictObject({
    id,
    aliases: z.array(id).default([]),
    displayName: text,
    documentationUrl: nullable(url),
    setupNotes: z.array(sentence).max(20).default([]),
    flows: z.array(z.enum(flows)).min(1).default(['authorization_code', 'refresh_token']),
    authorizationUrl: nullable(url),
    tokenUrl: nullable(url),
    refreshUrl: nullable(url),
    variables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), variable).default({}),
    issuer: nullable(text),
    issRequired: z.boolean().default(false),
    pkce: z.boolean().default(true),
    defaultScopes: z.array(scopeName).default([]),
    scopeSeparator: z.string().min(1).max(3).default(' '),
    scopeAliases: z.record(scopeName, scopeName).default({}),
    scopePrefix: nullable(url.endsWith('/')),
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
        lifetimeCounts: z.enum(['from_consent', 'from_issue']).default('from_issue'),
        idleDays: nullable(z.number().positive()),
      })
      .prefault({}),
    revocation: nullable(revocation),
    revocationEnds: nullable(revocationEnds),
    test: nullable(testProbe),
    limits: z.strictObject({ concurrency: count, requestsPerMinute: count }).prefault({}),
    circuit: z.strictObject({ failures: count, openSeconds: count, successes: count }).prefault({}),
    failures: z.array(failureRule).default([]),
    terminalErrors: z.array(text).default([]),
    clientErrors: z.array(text).default([]),
    detect: z.array(z.string().regex(/^(\*\.)?[a-z0-9.-]+$/)).default([]),
  })
  .refine(hasPlainAliases, { path: ['scopeAliases'], error: 'an alias appears once and is no name of another alias' })
  .refine(
    ({ revocation: endpoint, revocationEnds: ends }) =>
      ends === null || (ends.what === 'nothing') === (endpoint === null),
    { path: ['revocationEnds', 'what'], error: 'is nothing if, and only if, there is no revocation endpoint' },
  );

/** Checks that no alias leads to another one: the scope that such a chain means would depend on the order. */
function hasPlainAliases({
  scopeAliases,
  scopePrefix,
}: Pick<ProviderTemplate, 'scopeAliases' | 'scopePrefix'>): boolean {
  const keyOf = createScopeKey({ scopeAliases: {}, scopePrefix });
  const aliases = Object.keys(scopeAliases).map(keyOf);
  return (
    new Set(aliases).size === aliases.length &&
    !Object.values(scopeAliases).some((name) => aliases.includes(keyOf(name)))
  );
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** Matches the whole value. Alone, the pattern `^a|b$` would accept every value that begins with `a`. */
export function fullMatch(pattern: string, value: string): boolean {
  return new RegExp(`^(?:${pattern.slice(1, -1)})$`).test(value);
}
