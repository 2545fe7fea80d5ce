import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { flows } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { grantStatuses } from '../../domain/grants/grant.ts';
import { html, type Markup } from '../../markup/html.ts';
import { searchAsYouType } from '../layout/live.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { nextActionWords, statusBadge, statusWord } from '../layout/status.ts';
import { nextPage, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import type { ListQuery } from './list-query.ts';

export interface ConnectionList {
  visit: Visit;
  query: ListQuery;
  connections: readonly ConnectionView[];
  nextCursor: string | null;
}

const listPath = '/console/connections';

export function connectionList({ visit, query, connections, nextCursor }: ConnectionList): Markup {
  const { href, now } = visit;
  const columns = [
    {
      label: 'Connection',
      cell: ({ connection }: ConnectionView) =>
        html`<a href="${href(connectionPage({ name: connection.name, organizationId: connection.organizationId }))}">${isolated(connection.name)}</a>`,
    },
    { label: 'Organisation', cell: ({ connection }: ConnectionView) => ownerName(connection.organizationId) },
    { label: 'Provider', cell: ({ connection }: ConnectionView) => isolated(connection.settings.provider) },
    {
      label: 'Status',
      cell: (view: ConnectionView) =>
        html`${statusBadge(view.status, view.status === 'completed' && view.lastError !== null)}${
          view.nextAction === 'none' ? null : html`<br><span class="soft">${nextActionWords[view.nextAction]}</span>`
        }`,
    },
    {
      label: 'Access token ends',
      cell: (view: ConnectionView) => when(view.served?.metadata?.expiresAt ?? null, now, 'not known'),
    },
    { label: 'Next refresh', cell: (view: ConnectionView) => when(view.nextRefreshAt, now, 'none') },
  ];
  return html`<div class="title"><h1>Connections</h1>${
    visit.may(accessOf.createConnection)
      ? html`<a class="button" href="${href('/console/new-connection')}">New connection</a>`
      : null
  }</div>
${filters(visit, query)}
<div id="list">
${table(columns, connections, {
  caption: 'Connections',
  empty: html`<p>No connection matches.</p>`,
})}
${nextPage(href(listPath), { ...query, cursor: undefined }, nextCursor)}
</div>`;
}

function filters({ href, nonce }: Visit, { q, status, provider, flow, organization }: ListQuery): Markup {
  const list = href(listPath);
  return html`<form class="filters" role="search" action="${list}" ${searchAsYouType({ id: 'list', href: list, nonce })}>
<label>Name or description <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
<label>Status <select name="status"><option value="">any</option>${grantStatuses.map((each) => option(each, statusWord(each), status))}</select></label>
<label>Provider <input name="provider" value="${provider ?? ''}" autocomplete="off"></label>
<label>Organisation <input name="organization" value="${organization ?? ''}" autocomplete="off"></label>
<label>Flow <select name="flow"><option value="">any</option>${flows.map((each) => option(each, each, flow))}</select></label>
<button class="quiet">Filter</button>
</form>`;
}

function option(value: string, label: string, chosen: string | undefined): Markup {
  return html`<option value="${value}"${value === chosen ? html` selected` : null}>${label}</option>`;
}
