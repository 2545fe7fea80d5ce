import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { organizationIdPattern } from '../../domain/connections/connection.ts';
import { type Fault, invalidRequest } from '../../domain/errors.ts';

/** Bytes of a form. The largest one holds a connection with its parameters and a private key. */
const formLimitBytes = 256 * 1024;

/** Parses forms as browsers send them. A field that is there more than once becomes a list. Takes no other body. */
export function registerForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formLimitBytes },
    (_request, body, done) => {
      if (isUtf8(body)) done(null, fieldsOf(body.toString('utf8')));
      else done(invalidRequest({ path: 'form', message: 'is not valid UTF-8' }));
    },
  );
}

/** Reads the fields of a form or of a query. */
export function fieldsOf(text: string): Record<string, string | string[]> {
  const parameters = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** Reads fields by a schema. Throws invalid_request with a fault for each field. */
export function readFields<S extends z.ZodType>(schema: S, fields: unknown): z.output<S> {
  const read = schema.safeParse(fields);
  if (read.success) return read.data;
  const [first, ...others] = read.error.issues.map(
    ({ path, message }): Fault => ({ path: path.join('.') || 'form', message }),
  );
  throw invalidRequest(first ?? { path: 'form', message: 'is not valid' }, ...others);
}

/** A text field. A field that was left empty is absent. */
export const optionalText = z
  .string()
  .trim()
  // A Postgres text column refuses both.
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'holds characters that cannot be stored')
  .transform((text) => (text === '' ? undefined : text))
  .optional();

/** A checkbox. */
export const checked = z
  .string()
  .optional()
  .transform((value) => value !== undefined);

/** A field that may be there any number of times. */
export const texts = z.union([z.string().transform((text) => [text]), z.array(z.string())]).default([]);

/** One of a few values. A field that was left empty is absent. */
export const optionalChoice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.union([z.enum(values), z.literal('').transform(() => undefined)]).optional();

/** Organisation in an address: empty for the global scope, absent for the visitor's own. */
export const organizationField = z.union([z.literal(''), z.string().regex(organizationIdPattern)]).optional();
