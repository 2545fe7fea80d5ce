import type { FleetGrantView } from '../../broker/administration/read-fleet-grants.ts';
import { connectionPage, grantPage } from '../../domain/console/console-pages.ts';
import { statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { searchAsYouType } from '../layout/live.ts';
import { organizationField } from '../layout/organization-field.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { grantBadge, nextActionWords, statusWord } from '../layout/status.ts';
import { nextPage, queryOf, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { reasonTexts } from '../reasons/reason-texts.ts';
import type { Visit } from '../server/visit.ts';
import { grantName, personBeside } from './grant-name.ts';
import { apiQueryOf, type GrantsQuery, listedStatuses } from './grants-query.ts';

export interface GrantList {
  visit: Visit;
  query: GrantsQuery;
  grants: readonly FleetGrantView[];
  nextCursor: string | null;
  /** Moment at which the periods of the list begin. */
  moment: Date;
}

export const grantsPath = '/console/grants';

export function grantList({ visit, query, grants, nextCursor, moment }: GrantList): Markup {
  const { href, baseUrl } = visit;
  const columns = columnsOf(visit);
  const next = { ...query, as_of: String(moment.getTime()) };
  return html`<div class="title"><h1>Grants</h1></div>
${chips(visit, query)}
${filters(visit, query)}
<div id="list">
${table(columns, grants, {
  caption: 'Grants',
  empty:
    nextCursor === null
      ? html`<p>No grant matches.</p><p><a href="${href(grantsPath)}">Show all grants</a></p>`
      : html`<p>No grant of this page matches. The search goes on with the next page.</p>`,
})}
${nextPage(href(grantsPath), next, nextCursor)}
</div>
${asCurl({ method: 'GET', baseUrl, path: `/admin/grants${queryOf(apiQueryOf(query, moment))}` })}`;
}

function columnsOf({ href, now }: Visit) {
  return [
    {
      label: 'Grant',
      cell: ({ grant, connection: { name } }: FleetGrantView) => {
        const place = { connectionName: name, organizationId: grant.organizationId, grantId: grant.id };
        return html`<a href="${href(grantPage(place))}">${isolated(grantName(grant))}</a>${personBeside(grant)}`;
      },
    },
    { label: 'Organisation', cell: ({ grant }: FleetGrantView) => ownerName(grant.organizationId) },
    {
      label: 'Connection',
      cell: ({ grant: { organizationId }, connection: { name, settings } }: FleetGrantView) =>
        html`<a href="${href(connectionPage({ name, organizationId }))}">${isolated(name)}</a><br><span class="soft">${isolated(settings.provider)}</span>`,
    },
    { label: 'Status', cell: ({ grant }: FleetGrantView) => stateOf(grant, now) },
    {
      label: 'Access token ends',
      cell: ({ grant: { metadata } }: FleetGrantView) =>
        when(metadata?.expiresAt ?? null, now, metadata === null ? 'no token' : 'not known'),
    },
    {
      label: 'Refresh token ends',
      cell: ({ grant: { metadata } }: FleetGrantView) =>
        when(metadata?.refreshExpiresAt ?? null, now, metadata?.refreshable ? 'no end known' : 'none'),
    },
    {
      label: 'Next refresh',
      cell: ({ grant: { nextRefreshAt } }: FleetGrantView) =>
        nextRefreshAt !== null && nextRefreshAt <= now ? 'due' : when(nextRefreshAt, now, 'none'),
    },
  ];
}

function stateOf(grant: FleetGrantView['grant'], now: Date): Markup {
  const { statusReason, nextAction } = grant;
  return html`${grantBadge(grant, now)}${
    statusReason === null ? null : html`<br>${reasonTexts[statusReason].title}`
  }${nextAction === 'none' ? null : html`<br><span class="soft">${nextActionWords[nextAction]}</span>`}`;
}

type Chip = readonly [label: string, chosen: Partial<GrantsQuery>];

const useful: readonly Chip[] = [
  ['All', {}],
  ['Needs a person', { next_action: 'authorize' }],
  ['Needs an administrator', { next_action: 'reconfigure' }],
  ['Failed', { status: 'failed' }],
  ['Refresh token ends in 14 days', { refresh_expires_within: '14' }],
];
const chipFields = ['next_action', 'status', 'refresh_expires_within', 'status_reason', 'expires_within'] as const;

/** The most useful filters. They keep organisation, connection, provider and text. */
function chips({ href }: Visit, query: GrantsQuery): Markup {
  const { q, organization, connection, provider } = query;
  return html`<ul class="chips">${useful.map(([label, chosen]) => {
    const isChosen = chipFields.every((field) => query[field] === chosen[field]);
    const target = href(`${grantsPath}${queryOf({ q, organization, connection, provider, ...chosen })}`);
    return html`<li><a href="${target}"${isChosen ? html` aria-current="true"` : null}>${label}</a></li>`;
  })}</ul>`;
}

function filters({ href, nonce, caller }: Visit, query: GrantsQuery): Markup {
  const list = href(grantsPath);
  const { q, organization, connection, provider, status, status_reason, next_action } = query;
  const { expires_within, refresh_expires_within } = query;
  const isMore = chipFields.some((field) => query[field] !== undefined);
  return html`<form class="filters" role="search" action="${list}" ${searchAsYouType({ id: 'list', href: list, nonce })}>
<label>Account or subject <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
${organizationField({ reach: caller, value: organization, empty: 'any' })}
<label>Connection <input name="connection" value="${connection ?? ''}" autocomplete="off"></label>
<label>Provider <input name="provider" value="${provider ?? ''}" autocomplete="off"></label>
<button class="quiet">Filter</button>
<details class="more-filters"${isMore ? html` open` : null}><summary>More filters</summary><div>
<label>Status <select name="status"><option value="">any</option>${listedStatuses.map((each) => option(each, statusWord(each), status))}</select></label>
<label>Next action <select name="next_action"><option value="">any</option>${nextActions.map((each) => option(each, nextActionWords[each], next_action))}</select></label>
<label>Reason <select name="status_reason"><option value="">any</option>${statusReasons.map((each) => option(each, reasonTexts[each].title, status_reason))}</select></label>
<label>Access token ends within days <input name="expires_within" inputmode="numeric" value="${expires_within ?? ''}" autocomplete="off"></label>
<label>Refresh token ends within days <input name="refresh_expires_within" inputmode="numeric" value="${refresh_expires_within ?? ''}" autocomplete="off"></label>
</div></details>
</form>`;
}

function option(value: string, label: string, chosen: string | undefined): Markup {
  return html`<option value="${value}"${value === chosen ? html` selected` : null}>${label}</option>`;
}
