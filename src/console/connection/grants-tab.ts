import type { GrantView } from '../../broker/grants/grant-view.ts';
import { connectionPage, grantPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { searchAsYouType } from '../layout/live.ts';
import { isolated } from '../layout/owner.ts';
import { grantBadge, nextActionWords, statusWord } from '../layout/status.ts';
import { queryOf, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { shareLink } from './next-step.ts';
import type { Shown } from './shown.ts';

/** Statuses that a grant can have. The others belong to authorizations. */
export const storedStatuses = ['completed', 'failed', 'not_connected'] as const;

export interface GrantsQuery {
  q?: string | undefined;
  status?: (typeof storedStatuses)[number] | undefined;
}

export interface GrantsPage {
  grants: GrantView[];
  nextCursor: string | null;
}

export function grantsTab(shown: Shown, query: GrantsQuery, { grants, nextCursor }: GrantsPage): Markup {
  const { visit, place } = shown;
  const isFiltered = query.q !== undefined || query.status !== undefined;
  const link = (grant: GrantView, text: Markup | string) =>
    html`<a href="${visit.href(grantPage({ connectionName: place.name, organizationId: grant.organizationId, grantId: grant.id }))}">${text}</a>`;
  const columns = [
    { label: 'Account', cell: (grant: GrantView) => link(grant, accountOf(grant)) },
    {
      label: 'Subject',
      cell: ({ subject }: GrantView) => (subject === null ? html`<span class="soft">none</span>` : isolated(subject)),
    },
    {
      label: 'Status',
      cell: (grant: GrantView) =>
        html`${grantBadge(grant, visit.now)}${
          grant.nextAction === 'none' ? null : html`<br><span class="soft">${nextActionWords[grant.nextAction]}</span>`
        }`,
    },
    {
      label: 'Access token ends',
      cell: (grant: GrantView) => when(grant.metadata?.expiresAt ?? null, visit.now, 'not known'),
    },
    { label: 'Next refresh', cell: (grant: GrantView) => dueSoon(grant.nextRefreshAt, visit.now) },
  ];
  const { name, organizationId } = place;
  return html`<h2 class="hidden">Grants</h2>
${filters(shown, query)}
<div id="list">
${table(columns, grants, {
  caption: `Grants of ${name}`,
  empty: isFiltered
    ? html`<p>No grant matches.</p>`
    : html`<p>There is no grant yet. It begins when a person connects an account, or with an import.</p>${shareLink(shown)}`,
})}
${nextLink(shown, 'grants', nextCursor, query)}
</div>
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path: `/connections/${name}/grants`, organizationId })}`;
}

function dueSoon(at: Date | null, now: Date): Markup {
  return at !== null && at <= now ? html`now` : when(at, now, 'none');
}

function accountOf({ accountId, accountName }: GrantView): Markup {
  const name = accountName ?? accountId;
  return name === null ? html`No account named` : isolated(name);
}

function filters({ visit, place }: Shown, { q, status }: GrantsQuery): Markup {
  const list = visit.href(connectionPage(place, 'grants'));
  const option = (value: string, label: string) =>
    html`<option value="${value}"${value === status ? html` selected` : null}>${label}</option>`;
  return html`<form class="filters" role="search" action="${list}" ${searchAsYouType({ id: 'list', href: list, nonce: visit.nonce })}>
<input type="hidden" name="organization" value="${place.organizationId ?? ''}">
<label>Subject or account <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
<label>Status <select name="status"><option value="">any</option>${storedStatuses.map((each) => option(each, statusWord(each)))}</select></label>
<button class="quiet">Filter</button>
</form>`;
}

/** Link to the next page of a tab. The address of a connection has a query already. */
export function nextLink(
  { visit, place }: Shown,
  tab: 'grants' | 'timeline' | 'dependants',
  cursor: string | null,
  query: GrantsQuery = {},
): Markup | null {
  if (cursor === null) return null;
  const { q, status } = query;
  const more = queryOf({ q, status, cursor }).replace('?', '&');
  return html`<p class="next-page"><a class="button quiet" href="${visit.href(connectionPage(place, tab))}${more}">Next page</a></p>`;
}
