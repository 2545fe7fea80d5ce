import { flows } from '../../domain/connections/connection.ts';
import { grantStatuses } from '../../domain/grants/grant.ts';
import { html, type Markup } from '../../markup/html.ts';
import { hiddenFields } from '../layout/acts.ts';
import { searchAsYouType } from '../layout/live.ts';
import { organizationField, suggestions } from '../layout/organization-field.ts';
import { statusWord } from '../layout/status.ts';
import { queryOf } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';
import type { ListQuery } from './list-query.ts';
import type { ConnectionList } from './read-list.ts';

export const listPath = '/console/connections';

const flowWords: Record<(typeof flows)[number], string> = {
  authorization_code: 'A person connects',
  client_credentials: 'Client credentials',
  refresh_token: 'Imported tokens',
};

/** Fields of the list. The chosen status and flow go along, so that a search keeps them. */
export function filters(
  { href, nonce, caller }: Visit,
  { q, status, provider, flow, organization }: ListQuery,
  { scope, rows }: ConnectionList,
  providers: readonly string[],
): Markup {
  const list = href(listPath);
  const empty = scope === 'all' ? 'all' : caller.global ? 'Global' : null;
  const known = rows.flatMap(({ view }) => view.connection.organizationId ?? []);
  return html`<form class="filters" role="search" action="${list}" ${searchAsYouType({ id: 'list', href: list, nonce })}>
${hiddenFields({ ...(status && { status }), ...(flow && { flow }) })}
<label>Name or description <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
<label>Provider <input name="provider" value="${provider ?? ''}" list="providers" autocomplete="off"></label>
${suggestions('providers', [...rows.map(({ view }) => view.connection.settings.provider), ...providers])}
${organizationField({ reach: caller, value: organization, empty, known })}
<button class="quiet">Filter</button>
</form>`;
}

/** Links that choose a status and a flow. Each keeps the other filters. */
export function chips({ href }: Visit, query: ListQuery): Markup {
  const { cursor: _, ...kept } = query;
  const chip = (changes: Partial<ListQuery>, label: string, isChosen: boolean) =>
    html`<li><a href="${href(listPath)}${queryOf({ ...kept, ...changes })}"${isChosen ? html` aria-current="true"` : null}>${label}</a></li>`;
  return html`<div class="chip-rows">
<ul class="chips" aria-label="Status">${chip({ status: undefined }, 'Any status', query.status === undefined)}${grantStatuses.map(
    (status) => chip({ status }, statusWord(status), status === query.status),
  )}</ul>
<ul class="chips" aria-label="Flow">${chip({ flow: undefined }, 'Any flow', query.flow === undefined)}${flows.map(
    (flow) => chip({ flow }, flowWords[flow], flow === query.flow),
  )}</ul>
</div>`;
}
