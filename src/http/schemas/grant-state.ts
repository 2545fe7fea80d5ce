import { z } from 'zod';
import type { Caller } from '../../domain/callers/caller.ts';
import type { LastError } from '../../domain/grants/grant.ts';
import { warningCodes } from '../../domain/grants/warnings.ts';
import { failureClasses, withoutAddress } from '../../domain/provider-failure.ts';
import { time } from './fields/text.ts';

export const warnings = z
  .array(z.object({ code: z.enum(warningCodes), message: z.string() }))
  .describe('Conditions that may end or limit the grant, with the remedy; empty when all is well.');

export const lastError = z
  .object({
    class: z.enum(failureClasses),
    error: z.string().nullable().describe('Error code of the provider.'),
    error_description: z
      .string()
      .nullable()
      .describe('Description by the provider, or by the broker if the provider sent none; at most 200 characters.'),
    http_status: z.number().int().nullable(),
    at: time,
    attempts: z.number().int().describe('Consecutive failures of this kind.'),
  })
  .nullable()
  .describe(
    'Last failed refresh, or the failed token request of the authorization without a grant; null after a success.',
  );

type ShownError = z.input<typeof lastError>;

/** Hides why an address cannot be used from callers who are no administrators: it tells which internal names exist. */
export function withoutAddressFault<T extends { last_error: ShownError }>(shown: T, { permissions }: Caller): T {
  const error = shown.last_error;
  if (error === null || permissions.includes('admin:read')) return shown;
  const visible = withoutAddress({ class: error.class, description: error.error_description });
  return { ...shown, last_error: { ...error, class: visible.class, error_description: visible.description } };
}

export function toLastError(error: LastError | null): z.input<typeof lastError> {
  if (error === null) return null;
  return {
    class: error.class,
    error: error.error,
    error_description: error.errorDescription,
    http_status: error.httpStatus,
    at: error.at.toISOString(),
    attempts: error.attempts,
  };
}
