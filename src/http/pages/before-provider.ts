import type { PageBeforeProvider } from '../../broker/authorizations/open-authorization.ts';
import { html, type Markup } from '../../markup/html.ts';
import { cardPage, type Fact, isolated, subjectFacts } from './card.ts';
import type { Page } from './page.ts';

/** Name of the form field that proves that this browser was shown the page. */
export const pageTokenField = 'page_token';

/**
 * Page between the link and the provider. A person who did not start the connection must be able to tell, so it names all
 * that the link is for. The relative action keeps any prefix that a proxy adds.
 */
export function beforeProviderPage(page: PageBeforeProvider, { state, token }: { state: string; token: string }): Page {
  const provider = isolated(page.provider);
  const card = cardPage({
    tone: 'neutral',
    title: 'Did you start this?',
    subject: page.connectionName,
    happened: html`You are about to give access to your account at <strong>${provider}</strong>${receiver(page)}.`,
    actor: 'you',
    next: html`Go on only if you started this yourself, or were told to expect it by a person you know. If another person sent you the link, they would get access to your account: close this window.`,
    notes: [],
    facts: [...subjectFacts(page), ...subjectFact(page)],
    form: html`<form method="post" action="./${state}">
<input type="hidden" name="${pageTokenField}" value="${token}">
<button type="submit">Go on to ${provider}</button>
</form>`,
  });
  return { ...card, hasForm: true };
}

function receiver({ organizationId }: PageBeforeProvider): Markup | null {
  return organizationId === null ? null : html` to <strong>${isolated(organizationId)}</strong>`;
}

/** Shows label and id in separate isolates: a label is free text and must not imitate another id. */
function subjectFact({ subject, subjectLabel }: PageBeforeProvider): Fact[] {
  if (subject === null) return subjectLabel === null ? [] : [['For', isolated(subjectLabel)]];
  return [['For', subjectLabel === null ? isolated(subject) : html`${isolated(subjectLabel)} (${isolated(subject)})`]];
}
