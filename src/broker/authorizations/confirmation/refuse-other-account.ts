import type { Authorization } from '../../../domain/authorization.ts';
import type { FailedDetails, FailureCause } from '../../../domain/authorization-outcome.ts';
import { matchAccount, nameOfExpected } from '../../../domain/expected-account.ts';
import type { Grant } from '../../../domain/grants/grant.ts';
import type { ProviderAccount } from '../../../domain/grants/token-set.ts';

type Accounts = Pick<FailedDetails, 'expected' | 'received'>;

/** Thrown inside the transaction that stores the tokens, to roll it back. */
export class AuthorizationAborted extends Error {
  override readonly name = 'AuthorizationAborted';
  readonly details: FailedDetails;

  constructor(cause: FailureCause, message: string, accounts: Partial<Accounts> = {}) {
    super(message);
    this.details = { kind: 'failed', cause, expected: null, received: null, exchange: null, ...accounts };
  }
}

type Obtained = { account: ProviderAccount | null };

/**
 * Prevents a session swap: the account of one person must not be stored under the subject of another. An account that the
 * provider did not name is not the expected one. Throws AuthorizationAborted.
 */
export function refuseOtherAccount(authorization: Authorization, obtained: Obtained, held: Grant | undefined): void {
  refuseUnexpected(authorization, obtained);
  if (authorization.allowAccountChange) return;
  const expected = [authorization.accountId, held?.accountId ?? null].filter((id) => id !== null);
  const verified = verifiedAccount(obtained);
  const missing = expected.find((id) => id !== verified);
  if (missing === undefined) return;
  throw mismatch(verified !== null, {
    expected: { id: missing, name: missing === held?.accountId ? held.accountName : null },
    received: shown(obtained),
  });
}

/** Compares the account with `expected_account`, also if the account of the grant may change. */
function refuseUnexpected({ expectedAccount }: Authorization, obtained: Obtained): void {
  if (expectedAccount === null) return;
  const match = matchAccount(expectedAccount, obtained.account);
  if (match === 'same') return;
  throw mismatch(match === 'other', { expected: nameOfExpected(expectedAccount), received: shown(obtained) });
}

function mismatch(isOther: boolean, accounts: Accounts): AuthorizationAborted {
  return isOther
    ? new AuthorizationAborted(
        'other_account',
        'Another account was connected than the one expected. Sign in with that one, or allow the account to change.',
        accounts,
      )
    : new AuthorizationAborted(
        'account_unconfirmed',
        'The provider did not confirm the account that was expected. Allow the account to change to connect it anyway.',
        accounts,
      );
}

/** Keeps what pages show: an email address stands in for a missing name. */
function shown({ account }: Obtained): Accounts['received'] {
  return account && { id: account.id, name: account.name ?? account.email ?? null };
}

/** Returns the account that the token response or the probe named; null if only the callback's query named one. */
export function verifiedAccount({ account }: Obtained): string | null {
  return account === null || account.isFromCallback ? null : account.id;
}
