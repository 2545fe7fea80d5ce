import { expect, test } from 'vitest';
import { failurePage } from '../../../../src/console/sign-in/failure-page.ts';
import type { SignInFailureFacts } from '../../../../src/console/sign-in/sign-in-failure.ts';

const refused = (oauthError: string | null): SignInFailureFacts => ({
  reason: 'refused',
  oauthError,
  description: '<b>no</b>',
});
const pageOf = (facts: SignInFailureFacts) =>
  failurePage({ facts, message: 'The cause.', again: '/console/sign-in?next=a&b' });

test.each<[facts: SignInFailureFacts, status: number, next: string]>([
  [{ reason: 'unavailable' }, 503, 'CONSOLE_OIDC_ISSUER'],
  [refused('access_denied'), 403, 'allow access'],
  [refused('invalid_client'), 403, 'CONSOLE_OIDC_CLIENT_SECRET'],
  [refused('invalid_grant'), 403, 'took too long'],
  [refused('temporarily_unavailable'), 403, 'redirect URI, scopes and secret'],
  [refused(null), 403, 'redirect URI, scopes and secret'],
  [{ reason: 'state_mismatch' }, 400, 'within ten minutes'],
  [{ reason: 'unverified', check: 'aud' }, 400, 'the clocks of both machines'],
])('%j says the cause and what to do', (facts, status, next) => {
  const page = pageOf(facts);
  expect(page.status).toBe(status);
  for (const text of [`<h1>${page.title}</h1>`, 'The cause.', next, 'href="/console/sign-in?next=a&amp;b"'])
    expect(page.body.text).toContain(text);
  expect(page.body.text).not.toContain('<b>no');
});

test('claims beyond the shown ones are counted, and all of them are texts', () => {
  const received = { claim: 'groups', names: ['<i>', 'sub'], values: ['<u>'], omitted: 30 };
  const page = pageOf({ reason: 'no_role', issuer: 'https://id.test', subject: 'ada', name: '<s>', received });
  for (const text of ['&lt;i&gt;', '&lt;u&gt;', '&lt;s&gt;', '30 more']) expect(page.body.text).toContain(text);
});
