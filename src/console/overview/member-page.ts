import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { ListConnections } from '../../broker/connections/read-connections.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { impliedOrganization } from '../../domain/callers/caller.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { nextActionWords, statusBadge } from '../layout/status.ts';
import { table } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';

/** Connections that do not work and are shown at once. The list has the others. */
const shown = 10;
/** Organisations with a link of their own. */
const maxOrganizations = 20;

/** Shows what a visitor without `admin:read` may see, and says so once. */
export async function memberPage(useCases: { listConnections: ListConnections }, visit: Visit): Promise<Markup> {
  const mayRead = visit.may(accessOf.listConnections);
  return html`<div class="title"><h1>Overview</h1></div>
${mayRead ? await connectionsPart(useCases, visit) : rightsPart(visit)}
<p class="help">Numbers and events of the installation are shown to callers with the permission <code>admin:read</code>.</p>`;
}

async function connectionsPart({ listConnections }: { listConnections: ListConnections }, visit: Visit) {
  const { caller, trace, href } = visit;
  const organizationId = impliedOrganization(caller);
  if (organizationId === null) return organizationsPart(visit);
  const actor = { caller, organizationId, trace };
  const { connections } = await listConnections(actor, { includeGlobal: true, status: 'failed', limit: shown });
  return html`<section class="panel${connections.length === 0 ? null : ' bad'}" aria-labelledby="failed">
<h2 id="failed">Connections of ${ownerName(organizationId)} that do not work</h2>
${failedTable(visit, connections, organizationId)}
</section>
<p><a class="button" href="${href(`/console/connections?organization=${encodeURIComponent(organizationId)}`)}">All your connections</a></p>`;
}

function failedTable({ href }: Visit, connections: readonly ConnectionView[], organizationId: string): Markup {
  const columns = [
    {
      label: 'Connection',
      cell: ({ connection }: ConnectionView) => isolated(connection.name),
    },
    { label: 'Provider', cell: ({ connection }: ConnectionView) => isolated(connection.settings.provider) },
    {
      label: 'Status',
      cell: ({ status, nextAction }: ConnectionView) =>
        html`${statusBadge(status)}<br><span class="soft">${nextActionWords[nextAction]}</span>`,
    },
    {
      label: 'Next',
      cell: ({ connection }: ConnectionView) =>
        html`<a class="button quiet" href="${href(connectionPage({ name: connection.name, organizationId }, 'why'))}">Why, and what next<span class="hidden">: ${connection.name}</span></a>`,
    },
  ];
  return table(columns, connections, {
    caption: 'Connections that do not work',
    empty: html`<p>Every connection that was connected works.</p>`,
  });
}

function organizationsPart({ caller, href }: Visit): Markup {
  const { organizations, global } = caller;
  const reached: OrganizationId[] = [...(global ? [null] : []), ...(organizations === '*' ? [] : organizations)];
  const address = (id: OrganizationId) => href(`/console/connections?organization=${encodeURIComponent(id ?? '')}`);
  return html`<section class="panel" aria-labelledby="yours">
<h2 id="yours">Your connections</h2>
${reached.length === 0 ? null : html`<ul class="chips">${reached.slice(0, maxOrganizations).map((id) => html`<li><a href="${address(id)}">${ownerName(id)}</a></li>`)}</ul>`}
${
  organizations === '*' || reached.length > maxOrganizations
    ? html`<form class="filters" action="${href('/console/connections')}"><label>Organisation <input name="organization" required autocomplete="off"></label><button class="quiet">Show its connections</button></form>`
    : null
}
</section>`;
}

function rightsPart({ caller }: Visit): Markup {
  return html`<section class="panel" aria-labelledby="rights">
<h2 id="rights">You are signed in</h2>
<p>Connections are shown to callers with the permission <code>connections:read</code>.</p>
<p>This key has ${caller.permissions.length === 0 ? 'no permissions' : caller.permissions.map((each) => html`<code>${each}</code> `)}</p>
</section>`;
}
