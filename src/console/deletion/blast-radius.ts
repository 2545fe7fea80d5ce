import type { Connection } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { revocationEndsOf } from '../../domain/connections/template-fields.ts';
import { html, type Markup } from '../../markup/html.ts';
import { type ActorNames, actorName } from '../audit/actor-names.ts';
import { needsPermission, notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { RecentFetches } from './recent-fetches.ts';

/** Callers that will miss the tokens. */
export function fetchersPanel(fetches: RecentFetches | null, names: ActorNames, now: Date): Markup {
  return html`<section class="panel"><h2>Fetched in the last 24 hours</h2>
${
  fetches === null
    ? needsPermission('admin:read')
    : html`${fetches.isComplete ? null : html`<p class="soft">There are more fetches than are counted here: these are the latest.</p>`}${table(
        [
          { label: 'Caller', cell: ({ actor }) => actorName(actor, names) },
          { label: 'Fetches', cell: ({ fetches: count }) => html`${fetches.isComplete ? '' : 'at least '}${count}` },
          { label: 'Last', cell: ({ last }) => when(last, now) },
          {
            label: 'Workflows',
            cell: ({ workflows }) =>
              workflows.length === 0
                ? html`<span class="soft">none named</span>`
                : html`${workflows.map((name, at) => html`${at === 0 ? '' : ', '}${isolated(name)}`)}`,
          },
        ],
        fetches.callers,
        { caption: 'Callers', empty: html`<p>No caller fetched a token.</p>` },
      )}`
}</section>`;
}

/** Says what a revocation ends at the provider, as the template knows it. */
export function providerEnds(template: ProviderTemplate | undefined, { settings }: Connection): Markup {
  if (template?.revocation == null && settings.revocationUrl !== null) {
    return html`<p>The broker sends the tokens to <code>${settings.revocationUrl}</code>. No template says what that ends.</p>`;
  }
  const ends = template === undefined ? null : revocationEndsOf(template);
  if (ends === null) return html`<p>No template says what a revocation ends at this provider.</p>`;
  if (ends.what === 'every_grant_of_the_person') return notice('warn', ends.sentence);
  return html`<p>${ends.sentence}</p>`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
