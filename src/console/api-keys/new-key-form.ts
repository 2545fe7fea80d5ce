import { z } from 'zod';
import type { NewApiKey } from '../../broker/callers/create-api-key.ts';
import { permissions } from '../../domain/callers/caller.ts';
import { organizationIdPattern } from '../../domain/connections/connection.ts';
import type { Fault } from '../../domain/errors.ts';
import { checked, texts } from '../server/forms.ts';

const text = z.string().trim().default('');

/** Fields as they were typed, so that a form with a fault can be shown again. None is a secret. */
export const keyForm = z.object({
  name: text,
  permissions: texts,
  all_organizations: checked,
  organizations: text,
  global: checked,
  connections: text,
  expires_on: text,
  rate_limit: text,
});
export type KeyForm = z.output<typeof keyForm>;

export const emptyKeyForm: KeyForm = keyForm.parse({});

/** Entries of a list, as in the API. */
const maxEntries = 1000;
/** As in the API: far beyond what one process serves. */
const maxRateLimit = 100_000_000;

const listOf = (pattern: RegExp, what: string) =>
  z
    .string()
    .transform((value) => [...new Set(value.split(/[\s,]+/).filter((each) => each !== ''))])
    .pipe(
      z
        .array(z.string().regex(pattern, { error: ({ input }) => `“${String(input)}” is not ${what}` }))
        .max(maxEntries, `has more than ${maxEntries} entries`),
    );

const newKey = z.object({
  name: z
    .string()
    .min(1, 'enter a name')
    .max(200, 'has more than 200 characters')
    .regex(/^\P{Cc}*$/u, 'must not hold control characters'),
  permissions: z.array(z.enum(permissions, 'is not a permission')).min(1, 'choose at least one'),
  organizations: listOf(organizationIdPattern, 'the id of an organisation'),
  connections: listOf(/^[a-zA-Z0-9_*-]{1,100}$/, 'a pattern of names: letters, digits, _, - and *'),
  expires_on: z
    .union([z.literal(''), z.iso.date()], 'must be a date, such as 2030-01-31')
    // The day is included wherever the form was filled in.
    .transform((day) => (day === '' ? null : new Date(`${day}T23:59:59Z`))),
  rate_limit: z
    .string()
    .regex(/^\d{0,9}$/, 'must be a whole number')
    .transform((value) => (value === '' ? null : Number(value)))
    .refine((value) => value === null || (value >= 1 && value <= maxRateLimit), `must be from 1 to ${maxRateLimit}`),
});

/** Reads the fields. Lists the faults of all of them, by the name of the field. */
export function readKeyForm(form: KeyForm): { key: NewApiKey } | { faults: Fault[] } {
  const read = newKey.safeParse(form);
  if (!read.success) {
    return { faults: read.error.issues.map(({ path, message }) => ({ path: String(path[0] ?? 'form'), message })) };
  }
  const {
    name,
    permissions,
    organizations,
    connections,
    expires_on: expiresAt,
    rate_limit: rateLimitPerMinute,
  } = read.data;
  if (form.all_organizations && organizations.length > 0) {
    return { faults: [{ path: 'organizations', message: 'are named, although the key is for all of them' }] };
  }
  return {
    key: {
      name,
      permissions: [...new Set(permissions)],
      organizations: form.all_organizations ? '*' : organizations,
      global: form.global,
      connections: connections.length === 0 ? null : connections,
      expiresAt,
      rateLimitPerMinute,
    },
  };
}

/** Body of the API's operation for a key. */
export function bodyOf({
  name,
  permissions,
  organizations,
  global,
  connections,
  expiresAt,
  rateLimitPerMinute,
}: NewApiKey) {
  return {
    name,
    permissions,
    organizations,
    ...(global && { global }),
    ...(connections !== null && { connections }),
    ...(expiresAt !== null && { expires_at: expiresAt.toISOString() }),
    ...(rateLimitPerMinute !== null && { rate_limit_per_minute: rateLimitPerMinute }),
  };
}
