import { z } from 'zod';
import { connectionNamePattern } from '../../domain/connection.ts';

/** Postgres text takes neither NUL nor half a surrogate pair; refused here, or they would fail there. */
function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/**
 * What a string may look like that its schema takes as it is: whoever reads one that does need not ask the schema, which
 * costs ten times as much.
 */
export const plainForms = z.registry<{ form: RegExp }>();

/** Any text, several lines of it where they come. */
export function text(maxLength: number) {
  return z.string().min(1).max(maxLength).refine(isStorable, 'holds characters that cannot be stored');
}

/** One line of text without control characters. */
export function line(maxLength: number) {
  return text(maxLength).regex(/^\P{Cc}*$/u, 'must not hold control characters');
}

/** Whether it may be reached is for the provider's side to say; here it is only a web address. Kept as it was written. */
export const url = z
  .string()
  .min(1)
  .max(2048)
  .regex(/^https?:\/\/[^\s\\\p{Cc}]+$/iu, 'must be a URL that starts with https:// or http://')
  .refine((value) => URL.canParse(value) && value.isWellFormed(), 'must be a valid URL')
  .meta({ openapi: { type: 'string', format: 'uri', maxLength: 2048 } });

export const connectionName = z
  .string()
  .regex(connectionNamePattern, `must match ${connectionNamePattern.source}`)
  .register(plainForms, { form: connectionNamePattern });

export const subject = line(255).describe('The platform’s own id of a person; absent for nobody in particular.');
export const accountId = line(255).describe('The provider’s id of an account.');

/** A query cannot say null: an empty value is as good as none. */
export function queryText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(isStorable, 'holds characters that cannot be stored')
    .transform((value) => (value === '' ? null : value))
    .nullable()
    .default(null)
    .meta({ openapi: { type: 'string', maxLength } })
    .register(plainForms, { form: new RegExp(`^[ -~]{1,${maxLength}}$`) });
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

/** In answers: ISO 8601 UTC. */
export const time = z.string().meta({ openapi: { type: 'string', format: 'date-time' } });

export const timeOrNull = time.nullable().meta({ openapi: { type: ['string', 'null'], format: 'date-time' } });

const latest = Date.parse('9999-12-31T23:59:59Z');

/** In requests: ISO 8601 with a zone, within the years that every part of the broker can hold. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with its zone, such as 2030-01-31T12:00:00Z' })
  .max(40)
  .transform((value) => new Date(value))
  .refine((date) => date.getTime() >= 0 && date.getTime() <= latest, 'must lie between the years 1970 and 9999')
  .meta({ openapi: { type: 'string', format: 'date-time' } });

export function isoOrNull(date: Date | null | undefined): string | null {
  return date?.toISOString() ?? null;
}
