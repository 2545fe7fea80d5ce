import { z } from 'zod';

export const text = z.string().min(1).max(500);
export const path = z.string().regex(/^[^.|]+(\.[^.|]+)*(\|[^.|]+(\.[^.|]+)*)*$/);
export const nullable = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

const paths = z.record(text, path);

const sibling = z.strictObject({
  accessToken: path,
  refreshToken: nullable(path),
  tokenType: nullable(path),
  expiresIn: nullable(path),
  scope: nullable(path),
});

/** Part of a provider's data file that says how to read a token response. */
export const response = z
  .strictObject({
    success: nullable(z.strictObject({ path, equals: z.union([z.string(), z.number(), z.boolean()]) })),
    map: paths.default({}),
    error: nullable(path),
    extra: paths.default({}),
    siblings: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,39}$/), sibling).default({}),
    callbackExtra: z.record(text, text).default({}),
    accountId: nullable(path),
    accountName: nullable(path),
  })
  .refine(
    ({ siblings, extra, callbackExtra }) =>
      !Object.keys(siblings).some((name) => Object.hasOwn(extra, name) || Object.hasOwn(callbackExtra, name)),
    { path: ['siblings'], error: 'a name of extra or callbackExtra cannot be the name of a sibling' },
  );
