import type { StoredAuditEvent } from '../../domain/audit.ts';
import { grantPage } from '../../domain/console/console-pages.ts';
import type { AuditPage } from '../../domain/ports/audit.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { callerWords, eventWords } from '../layout/event-words.ts';
import { needsPermission } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { queryOf, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { nextLink } from './grants-tab.ts';
import type { Shown } from './shown.ts';

/** The audit events of a connection, newest first. `page` is null if the visitor may not read them. */
export function timelineTab(shown: Shown, page: AuditPage | null): Markup {
  const { visit, place } = shown;
  if (page === null) return html`<h2 class="hidden">Timeline</h2>${needsPermission('admin:read')}`;
  const { name, organizationId } = place;
  const isGlobal = organizationId === null;
  const columns = [
    { label: 'When', cell: ({ time }: StoredAuditEvent) => when(time, visit.now) },
    {
      label: 'What',
      cell: ({ action, outcome }: StoredAuditEvent) =>
        html`${eventWords[action]}${outcome === 'failure' ? html` ${badge('bad', 'failed')}` : null}`,
    },
    ...(isGlobal
      ? [{ label: 'Organisation', cell: (event: StoredAuditEvent) => ownerName(event.organizationId) }]
      : []),
    { label: 'Who', cell: ({ actor }: StoredAuditEvent) => isolated(callerWords(actor)) },
    { label: 'Grant', cell: (event: StoredAuditEvent) => grantLink(shown, event) },
    { label: 'Details', cell: (event: StoredAuditEvent) => detailsOf(event) },
  ];
  const query = queryOf({ connection_name: name, organization_id: organizationId ?? undefined });
  return html`<h2 class="hidden">Timeline</h2>
${isGlobal ? html`<p class="soft">Events of every organisation that you may see, also of their own connections with this name.</p>` : null}
${table(columns, page.events, {
  caption: `Events of ${name}`,
  empty: html`<p>No event is kept for this connection. The retention of the audit trail may have removed them.</p>`,
})}
${nextLink(shown, 'timeline', page.nextCursor)}
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path: `/admin/audit-events${query}` })}`;
}

function grantLink({ visit, place }: Shown, { grantId, organizationId }: StoredAuditEvent): Markup | null {
  if (grantId === null) return null;
  const page = grantPage({ connectionName: place.name, organizationId, grantId });
  return html`<a href="${visit.href(page)}">Open the grant</a>`;
}

function detailsOf({ details }: StoredAuditEvent): Markup | null {
  const told = Object.entries(details).filter(([, value]) => value !== null && value !== '' && String(value) !== '');
  if (told.length === 0) return null;
  return html`<details><summary>${told.length === 1 ? '1 detail' : `${told.length} details`}</summary><ul class="plain-list">${told.map(
    ([name, value]) =>
      html`<li><span class="soft">${name.replaceAll('_', ' ')}:</span> ${isolated(Array.isArray(value) ? value.join(', ') : String(value))}</li>`,
  )}</ul></details>`;
}
