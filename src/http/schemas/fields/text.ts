import { z } from 'zod';
import { connectionNamePattern } from '../../../domain/connections/connection.ts';

/** A Postgres text column refuses NUL and lone surrogates: they are refused here with a clear message. */
function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** Any text, line ends included. `trim` cuts off surrounding white space, which comes with a paste from a page. */
export function text(maxLength: number, { trim } = { trim: false }) {
  return (trim ? z.string().trim() : z.string())
    .min(1)
    .max(maxLength)
    .refine(isStorable, 'holds characters that cannot be stored');
}

/** One line of text without control characters. */
export function line(maxLength: number, options = { trim: false }) {
  return text(maxLength, options).regex(/^\P{Cc}*$/u, 'must not hold control characters');
}

/** A web address, kept as it was written, without surrounding white space. The address rules of outbound requests are checked elsewhere. */
export const url = z
  .string()
  .trim()
  .min(1)
  .max(2048)
  .regex(/^https?:\/\/[^\s\\\p{Cc}]+$/iu, 'must be a URL that starts with https:// or http://')
  .refine((value) => URL.canParse(value) && value.isWellFormed(), 'must be a valid URL')
  .meta({ openapi: { type: 'string', format: 'uri', maxLength: 2048 } });

export const connectionName = z.string().regex(connectionNamePattern, `must match ${connectionNamePattern.source}`);

export const subject = line(255).describe('The platform’s own id of a person; absent for a grant without a person.');
export const accountId = line(255).describe('The provider’s id of an account.');

/** Optional text in a query. Empty text counts as absent, because a query cannot carry null. */
export function queryText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(isStorable, 'holds characters that cannot be stored')
    .optional()
    .meta({ openapi: { type: 'string', maxLength } });
}

export function queryInteger(range: { min: number; max: number; default: number }) {
  const message = `must be a whole number from ${range.min} to ${range.max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, message)
    .transform(Number)
    .refine((value) => value >= range.min && value <= range.max, message)
    .default(range.default)
    .meta({ openapi: { type: 'integer', minimum: range.min, maximum: range.max, default: range.default } });
}

export function queryBoolean(absent: boolean) {
  return z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(absent)
    .meta({ openapi: { type: 'boolean', default: absent } });
}

/** Time in responses: ISO 8601 UTC. */
export const time = z.string().meta({ openapi: { type: 'string', format: 'date-time' } });

export const timeOrNull = time.nullable().meta({ openapi: { type: ['string', 'null'], format: 'date-time' } });

const latest = Date.parse('9999-12-31T23:59:59Z');

/** Time in requests: ISO 8601 with a zone, within the years that Postgres and ISO 8601 both represent. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with its zone, such as 2030-01-31T12:00:00Z' })
  .max(40)
  .transform((value) => new Date(value))
  .refine((date) => date.getTime() >= 0 && date.getTime() <= latest, 'must lie between the years 1970 and 9999')
  .meta({ openapi: { type: 'string', format: 'date-time' } });

export function isoOrNull(date: Date | null | undefined): string | null {
  return date?.toISOString() ?? null;
}
