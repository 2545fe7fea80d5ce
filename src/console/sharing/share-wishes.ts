import { z } from 'zod';
import type { AuthorizationStart } from '../../broker/authorizations/start-authorization.ts';

/** Times for which a link can be used, in seconds. The first is the default. */
export const lifetimes = [
  ['86400', '1 day'],
  ['3600', '1 hour'],
  ['28800', '8 hours'],
  ['259200', '3 days'],
  ['604800', '7 days'],
] as const;

const line = (maxLength: number) =>
  z
    .string()
    .trim()
    .max(maxLength, `must have at most ${maxLength} characters`)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')
    .refine((value) => value.isWellFormed(), 'holds characters that cannot be stored')
    .transform((value) => (value === '' ? null : value))
    .default(null);

/** Fields of the form as they were typed. They are read by `wishes`, so that a fault shows the form again. */
export const typedForm = z.object({
  subject: z.string().default(''),
  subject_label: z.string().default(''),
  account_id: z.string().default(''),
  login_hint: z.string().default(''),
  return_url: z.string().default(''),
  expires_in: z.string().default(lifetimes[0][0]),
});
export type TypedForm = z.output<typeof typedForm>;

/** The limits are those of the API. */
const wishes = z.object({
  subject: line(255),
  subject_label: line(200),
  account_id: line(255),
  login_hint: line(320),
  return_url: line(2048),
  expires_in: z.enum(lifetimes.map(([seconds]) => seconds)).transform(Number),
});

export type Faults = Partial<Record<string, string>>;

export type ReadWishes =
  | { kind: 'read'; wishes: Pick<AuthorizationStart, SharedWish>; body: Record<string, string | number> }
  | { kind: 'faulty'; faults: Faults };
type SharedWish = 'subject' | 'subjectLabel' | 'accountId' | 'loginHint' | 'returnUrl' | 'expiresInSeconds';

export function readWishes(typed: TypedForm): ReadWishes {
  const read = wishes.safeParse(typed);
  if (!read.success) {
    return {
      kind: 'faulty',
      faults: Object.fromEntries(read.error.issues.map(({ path, message }) => [path.join('.'), message])),
    };
  }
  const { subject, subject_label, account_id, login_hint, return_url, expires_in } = read.data;
  const given = Object.entries(read.data).filter((entry): entry is [string, string | number] => entry[1] !== null);
  return {
    kind: 'read',
    body: Object.fromEntries(given),
    wishes: {
      subject,
      subjectLabel: subject_label,
      accountId: account_id,
      loginHint: login_hint,
      returnUrl: return_url,
      expiresInSeconds: expires_in,
    },
  };
}
