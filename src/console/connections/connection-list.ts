import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { connectionBadge, nextActionWords } from '../layout/status.ts';
import { type Column, nextPage, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { actNames, bulkActs } from './bulk-acts.ts';
import { rowValue } from './chosen-rows.ts';
import { chips, filters, listPath } from './filters.ts';
import type { ListQuery } from './list-query.ts';
import type { ConnectionList, ListedConnection } from './read-list.ts';

export interface ConnectionListPage {
  visit: Visit;
  query: ListQuery;
  list: ConnectionList;
  /** Ids of providers to suggest. */
  providers: readonly string[];
}

export function connectionList({ visit, query, list, providers }: ConnectionListPage): Markup {
  return html`<div class="title"><h1>Connections</h1>${
    visit.may(accessOf.createConnection)
      ? html`<a class="button" href="${visit.href('/console/new-connection')}">New connection</a>`
      : null
  }</div>
${filters(visit, query, list, providers)}
<div id="list">
${chips(visit, query)}
${list.rows.length > 0 && visit.may(accessOf.testConnection) ? bulkForm(visit, list) : listTable(visit, query, list, false)}
${nextPage(visit.href(listPath), { ...query, cursor: undefined }, list.nextCursor)}
</div>`;
}

/** A row that an own connection of the same name hides cannot be acted on by its name. */
function bulkForm(visit: Visit, list: ConnectionList): Markup {
  const shown = list.rows.filter(isChoosable);
  return html`<form method="post" action="${visit.href(listPath)}">${visit.csrfField}
${shown.map((row) => html`<input type="hidden" name="shown" value="${rowOf(row)}">`)}
<fieldset class="bulk"><legend class="hidden">Act on the chosen connections</legend>
<label class="check"><input type="checkbox" name="all"> All ${shown.length} on this page</label>
<span class="act-row">${actNames.map((act) => html`<button class="quiet" name="act" value="${act}">${bulkActs[act].label}</button>`)}</span>
</fieldset>
${listTable(visit, {}, list, true)}
</form>`;
}

function listTable(visit: Visit, query: Partial<ListQuery>, { rows, scope }: ConnectionList, isChosenFrom: boolean) {
  const isFiltered = Object.values(query).some((value) => value !== undefined && value !== '');
  return table(columns(visit, isChosenFrom), rows, {
    caption: 'Connections',
    empty: emptyText(visit, scope, isFiltered),
  });
}

function emptyText({ href }: Visit, scope: ConnectionList['scope'], isFiltered: boolean): Markup {
  if (scope === 'none') return html`<p>Enter an organisation: you may not see the global scope.</p>`;
  if (isFiltered) return html`<p>No connection matches. <a href="${href(listPath)}">Show all</a></p>`;
  return html`<p>There is no connection yet. Each names a client at a provider, and holds what it obtains.</p>`;
}

function columns({ href, now }: Visit, isChosenFrom: boolean): Column<ListedConnection>[] {
  return [
    {
      label: 'Connection',
      cell: (row) => {
        const { name } = row.view.connection;
        const link = html`<a href="${href(connectionPage({ name, organizationId: row.actsFor }))}">${isolated(name)}</a>`;
        return isChosenFrom ? html`<span class="choice">${isChoosable(row) ? choice(row) : null}${link}</span>` : link;
      },
    },
    {
      label: 'Organisation',
      cell: ({ view }) =>
        html`${ownerName(view.connection.organizationId)}${view.shadowed ? html`<br><span class="soft">hidden by your own</span>` : null}`,
    },
    { label: 'Provider', cell: ({ view }) => isolated(view.connection.settings.provider) },
    {
      label: 'Status',
      cell: ({ view }) =>
        html`${connectionBadge(view, now)}${
          view.nextAction === 'none' ? null : html`<br><span class="soft">${nextActionWords[view.nextAction]}</span>`
        }`,
    },
    {
      label: 'Access token ends',
      cell: ({ view }) => when(view.served?.metadata?.expiresAt ?? null, now, 'not known'),
    },
    { label: 'Next refresh', cell: ({ view }) => when(view.nextRefreshAt, now, 'none') },
  ];
}

function choice(row: ListedConnection): Markup {
  const label = `Choose ${row.view.connection.name}, ${row.actsFor ?? 'global'}`;
  return html`<label class="check"><input type="checkbox" name="rows" value="${rowOf(row)}" aria-label="${label}"></label>`;
}

function rowOf({ view, actsFor }: ListedConnection): string {
  return rowValue({ name: view.connection.name, organizationId: actsFor });
}

function isChoosable({ view }: ListedConnection): boolean {
  return !view.shadowed;
}
