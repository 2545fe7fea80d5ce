import type { Grant } from '../../domain/grants/grant.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated } from '../layout/owner.ts';

/** Name of a grant in one line: the account, else the person. */
export function grantName({ accountName, accountId, subject }: Pick<Grant, 'accountName' | 'accountId' | 'subject'>) {
  return accountName ?? accountId ?? subject ?? 'Grant without a person';
}

/** Person of a grant, if its name is that of the account. */
export function personBeside(grant: Pick<Grant, 'accountName' | 'accountId' | 'subject'>): Markup | null {
  const { subject } = grant;
  return subject === null || subject === grantName(grant)
    ? null
    : html`<br><span class="soft person">${isolated(subject)}</span>`;
}
