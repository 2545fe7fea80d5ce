import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SettledOutcome } from '../../../../src/broker/authorizations/callback-outcome.ts';
import { failedBecause } from '../../../../src/broker/authorizations/obtain-authorized-tokens.ts';
import { refusal, refusalReasons } from '../../../../src/broker/authorizations/refusal.ts';
import { failureCauses, nextActionOfCause } from '../../../../src/domain/authorization-outcome.ts';
import { outcomePage } from '../../../../src/http/pages/outcome.ts';
import { failureTexts } from '../../../../src/http/pages/outcome-texts.ts';
import { type Page, renderPage } from '../../../../src/http/pages/page.ts';
import { refusalTexts, refusedPage } from '../../../../src/http/pages/refused.ts';
import { aConnectedOutcome, aFailedOutcome, someConnectedDetails } from '../../../support/builders/outcome.ts';

const about = {
  connectionName: 'crm',
  organizationId: 'acme',
  provider: 'Example CRM',
  expiresAt: new Date('2030-01-31T13:00:00Z'),
};
const addresses = { started: 'https://one.example', current: 'https://two.example' };

/** Text of the page as a person reads it. */
const textOf = (page: Page) =>
  page.body.text
    .replace(/<\/?(bdi|strong|code|time)\b[^>]*>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

const pages: [string, Page][] = [
  ['connected', outcomePage(aConnectedOutcome())],
  ...failureCauses.map((cause): [string, Page] => [cause, outcomePage(aFailedOutcome(cause))]),
  ...refusalReasons.map((reason): [string, Page] => [reason, refusedPage(refusal(reason, { about, addresses }))]),
  ...refusalReasons.map((reason): [string, Page] => [`${reason} of a stranger`, refusedPage(refusal(reason))]),
];

describe('every outcome', () => {
  test.each(pages)('%s has one main, one title, one statement and one next step with its actor', (_name, page) => {
    const { text } = page.body;
    for (const element of ['<main', '<h1>', '<h2>', 'class="happened"', 'class="next"'])
      expect(text.split(element), element).toHaveLength(2);
    expect(text).toMatch(/<h2>(What you can do|What an administrator must do|What to do next)<\/h2>/);
    expect(page.title).toContain(/<h1>([^<]+)<\/h1>/.exec(text)?.[1] ?? 'absent');
  });

  test.each(pages)('%s is told in short sentences, without words of engineers', (_name, page) => {
    const sentences = textOf(page).split(/[.?]\s/);
    for (const sentence of sentences.slice(0, -1)) expect(sentence.split(' ').length, sentence).toBeLessThanOrEqual(40);
    expect(textOf(page)).not.toMatch(
      /\b(token|state|nonce|callback|exchange|grant|HTTP|PKCE|iss|OAuth|null|undefined)\b/,
    );
  });

  test('each has a title of its own within its kind', () => {
    const naming = { provider: 'P', organizationId: 'acme', expected: null, received: null };
    const refused = refusalReasons.map((reason) => refusalTexts[reason]({ about, addresses }).title);
    expect(new Set(refused).size).toBe(refused.length);
    const failed = failureCauses.map((cause) => failureTexts[cause](naming).happened.text);
    expect(new Set(failed).size).toBe(failed.length);
  });

  test.each(failureCauses)(
    '%s says that nothing is connected, and names connection, organisation and provider',
    (cause) => {
      const text = textOf(outcomePage(aFailedOutcome(cause)));
      expect(text).toContain('Not connected');
      for (const fact of ['Connection crm', 'Organisation acme', 'Provider Example CRM', 'For user-42'])
        expect(text).toContain(fact);
    },
  );

  test('what only an administrator can mend is told as such, and never with an own attempt', () => {
    const naming = { provider: 'P', organizationId: 'acme', expected: null, received: null };
    const texts = [
      ...failureCauses.map((cause) => ({ name: cause, ...failureTexts[cause](naming) })),
      ...refusalReasons.map((reason) => ({ name: reason, ...refusalTexts[reason]({ about, addresses }) })),
    ];
    const administrators = texts.filter(({ actor }) => actor === 'administrator');
    expect(administrators.map(({ name }) => name)).toEqual([
      'admin_consent_required',
      'blocked_by_policy',
      'members_only',
      'client_rejected',
      'configuration_rejected',
      'account_unconfirmed',
      'connection_unknown',
      'connection_unusable',
      'other_connection',
      'other_environment',
    ]);
    for (const cause of failureCauses) {
      const isForAdministrator = nextActionOfCause[cause] === 'reconfigure';
      expect(failureTexts[cause](naming).actor === 'administrator', cause).toBe(isForAdministrator);
    }
    for (const { next } of administrators) {
      expect(next.text).toMatch(/^You cannot correct this yourself\. .*an administrator/);
      expect(next.text).not.toMatch(/try again|open the link/i);
    }
  });
});

describe('a connected account', () => {
  test.each<[string, Partial<SettledOutcome>, string[]]>([
    [
      'renewed',
      {},
      ['Connected', 'The account Ada Lovelace (4711) at Example CRM is now connected.', 'Access Renewed automatically'],
    ],
    ['without an account', { account: null }, ['Your account at Example CRM is now connected.']],
    ['of every organisation', { organizationId: null }, ['Organisation Shared by all organisations']],
    [
      'again',
      { details: someConnectedDetails({ isReconnect: true }) },
      ['Connected again', 'is connected again. This replaces the earlier access.'],
    ],
    [
      'with a refresh token that expires',
      { details: someConnectedDetails({ refreshExpiresAt: new Date('2030-03-01T09:05:00Z') }) },
      ['Renewed automatically. You may have to sign in again after 1 March 2030 at 09:05 UTC.'],
    ],
    [
      'without a refresh token',
      { details: someConnectedDetails({ isRenewable: false }) },
      [
        'Access Until 31 January 2030 at 13:00 UTC',
        'ends on 31 January 2030 at 13:00 UTC',
        'Only an administrator can change the connection',
      ],
    ],
    [
      'without a refresh token and an expiry',
      { details: someConnectedDetails({ isRenewable: false, expiresAt: null }) },
      ['Access End not known', 'may end at any time'],
    ],
    [
      'with fewer scopes',
      { details: someConnectedDetails({ missingScopes: ['calendar', 'mail.send'] }) },
      ['Missing: calendar, mail.send.', 'ask the person who sent you the link for a new one and allow it'],
    ],
    [
      'that the provider did not confirm',
      { details: someConnectedDetails({ isAccountConfirmed: false }) },
      ['Example CRM did not confirm the name of the account.'],
    ],
  ])('%s is told as it is', (_name, change, parts) => {
    const text = textOf(outcomePage(aConnectedOutcome(change)));
    for (const part of parts) expect(text).toContain(part);
  });
});

test('a mismatch names both accounts and says what to press', () => {
  const text = textOf(outcomePage(aFailedOutcome('other_account')));
  expect(text).toContain(
    'You signed in at Example CRM as Grace Hopper (4712), and this connection is for Ada Lovelace (4711).',
  );
  expect(text).toContain('Sign out at Example CRM');
  expect(text).toContain('sign in as Ada Lovelace (4711)');
  expect(text).toContain('ask that person for a link that allows another account');
  expect(text).toContain('Expected account Ada Lovelace (4711) Account you used Grace Hopper (4712)');
});

test('hostile names appear on no page as markup, in text or in an attribute', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '<svg onload=alert(1)>',
      `"'><script>alert(1)</script>`,
      '</title><img src=x>',
      '</bdi>',
      '&lt;b&gt;',
    ),
    fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', 'a', ' ', '\u202e') }),
  );
  const allowed =
    /^<\/?(!doctype|html|head|meta|title|style|body|main|h1|h2|p|section|dl|dt|dd|bdi|strong|code|time)\b/;
  const render = (name: string): Page[] => {
    const account = { id: name, name: `${name}!` };
    const names = { connectionName: name, organizationId: name, provider: name, subject: name, error: name };
    const details = { ...failedBecause('other_account'), expected: account, received: account };
    const connected = someConnectedDetails({ missingScopes: [name], isRenewable: false, isAccountConfirmed: false });
    const failed = aFailedOutcome('other_account', names);
    return [
      outcomePage(aConnectedOutcome({ ...names, account, details: connected })),
      ...failureCauses.map((cause) => outcomePage({ ...failed, details: { ...details, cause } })),
      ...refusalReasons.map((reason) =>
        refusedPage(refusal(reason, { about: { ...about, ...names }, addresses: { started: name, current: name } })),
      ),
    ];
  };
  fc.assert(
    fc.property(hostile, (name) => {
      for (const page of render(name)) {
        const tags = renderPage(page).match(/<[^>]*>/g) ?? [];
        for (const tag of tags) {
          expect(tag.toLowerCase()).toMatch(allowed);
          expect(tag).not.toMatch(/\son\w+=|javascript:/i);
        }
        const harmless = renderPage({ ...page, title: '' }).match(/<[^>]*>/g)?.length;
        expect(tags.length).toBe(harmless);
      }
    }),
    { numRuns: 50 },
  );
});
