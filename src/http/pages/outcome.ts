import type { CallbackOutcome } from '../../broker/complete-authorization.ts';
import { html, type Markup } from './html.ts';
import type { Page } from './page.ts';

type Settled = Extract<CallbackOutcome, { kind: 'settled' }>;

/** What became of a trip, for the person who made it: which account is now connected to what, or why it is not. */
export function outcomePage(outcome: Settled): Page {
  const connected = outcome.status === 'completed';
  const title = connected ? 'Connected' : 'Not connected';
  return {
    title: `${title}: ${outcome.connectionName}`,
    body: html`<main class="card ${connected ? 'good' : 'bad'}">
<h1>${title}</h1>
<p role="status">${outcome.message}</p>
<dl>
<dt>Connection</dt><dd>${outcome.connectionName}</dd>
<dt>Organisation</dt><dd>${outcome.organizationId ?? 'Shared by all organisations'}</dd>
<dt>Provider</dt><dd>${outcome.provider}</dd>
${outcome.account === null ? null : html`<dt>Account</dt><dd>${accountName(outcome.account)}</dd>`}
${outcome.subject === null ? null : html`<dt>For</dt><dd>${outcome.subject}</dd>`}
</dl>
<p class="next">${
      connected
        ? 'You can close this window. If you do not recognise the account or the organisation, tell whoever sent you the link.'
        : 'You can close this window. To try again, ask whoever sent you the link for a new one: each works once.'
    }</p>
</main>`,
  };
}

/** Each isolated: a name may hold characters that turn the direction of text, and must not turn the id beside it. */
function accountName({ id, name }: { id: string; name: string | null }): Markup {
  return name === null || name === id ? html`<bdi>${id}</bdi>` : html`<bdi>${name}</bdi> (<bdi>${id}</bdi>)`;
}
