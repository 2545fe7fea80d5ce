import type { ValuePath } from '../../domain/connections/value-path.ts';
import { readAccountText, valueAt } from '../providers/value-path.ts';

/** Members that providers name an email address of the account by. `mail` is none: Microsoft lets anyone write it. */
const emailMember = /^e?mail_?address$|^email$/i;
const address = /^[^@\s]+@[^@\s]+$/;

/**
 * Reads the email address of an account: the claim `email` (OpenID Connect Core §5.1), or the member that the template
 * names the account by if that is one. Null if the provider says that it is not verified. Without the claim
 * `email_verified` the address counts: providers outside OpenID Connect have no such claim.
 */
export function readEmail(source: unknown, accountName: ValuePath | null): string | null {
  const named = (accountName ?? '').split('|').filter((path) => emailMember.test(path.split('.').at(-1) ?? ''));
  for (const path of ['email', ...named]) {
    const email = readAccountText(valueAt(source, path));
    if (email === null || !address.test(email)) continue;
    const verified = valueAt(source, [...path.split('.').slice(0, -1), 'email_verified'].join('.'));
    if (verified !== false && verified !== 'false') return email;
  }
  return null;
}
