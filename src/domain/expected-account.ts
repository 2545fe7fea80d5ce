import type { ProviderAccount } from './grants/token-set.ts';

/** Account that the caller expects the person to authorize. Each member that is not null must match. */
export interface ExpectedAccount {
  id: string | null;
  email: string | null;
  /** Domain of the email address, without subdomains. */
  domain: string | null;
}

/** Result of the comparison. `unconfirmed`: the provider did not name what was expected. */
export type AccountMatch = 'same' | 'other' | 'unconfirmed';

/**
 * Compares an account with the expected one. Values from the callback's query prove nothing, so they match nothing. Email
 * addresses are compared without regard to case.
 */
export function matchAccount(expected: ExpectedAccount, account: ProviderAccount | null): AccountMatch {
  const named = account === null || account.isFromCallback ? null : account;
  const email = named?.email?.toLowerCase() ?? null;
  const matches = [
    compare(expected.id, named?.id ?? null),
    compare(expected.email?.toLowerCase() ?? null, email),
    compare(expected.domain?.toLowerCase() ?? null, email === null ? null : domainOf(email)),
  ];
  if (matches.includes('other')) return 'other';
  return matches.includes('unconfirmed') ? 'unconfirmed' : 'same';
}

/** Names the expected account for people. */
export function nameOfExpected({ id, email, domain }: ExpectedAccount): { id: string; name: string | null } {
  const address = email ?? (domain === null ? null : `@${domain}`);
  return { id: id ?? address ?? '', name: id === null ? null : address };
}

function compare(expected: string | null, actual: string | null): AccountMatch {
  if (expected === null || expected === actual) return 'same';
  return actual === null ? 'unconfirmed' : 'other';
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1);
}
