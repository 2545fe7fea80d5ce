import { auditActions, auditOutcomes, type StoredAuditEvent } from '../../domain/audit.ts';
import { connectionPage, grantPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { copyable, curlOf } from '../layout/acts.ts';
import { eventWords } from '../layout/event-words.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { nextPage, queryOf, table } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { type ActorNames, actorName } from './actor-names.ts';
import { type AuditFilters, apiQueryOf, readUtc } from './audit-query.ts';
import { detailList } from './details.ts';
import { ndjson } from './export.ts';

export interface AuditList {
  visit: Visit;
  filters: AuditFilters;
  events: readonly StoredAuditEvent[];
  names: ActorNames;
  nextCursor: string | null;
}

export const auditPath = '/console/audit';
const exportPath = '/console/audit.ndjson';

export function auditList({ visit, filters, events, names, nextCursor }: AuditList): Markup {
  const { href, now } = visit;
  const filtered = (changes: Partial<AuditFilters>) => href(`${auditPath}${queryOf({ ...filters, ...changes })}`);
  const columns = [
    { label: 'Time', cell: ({ time }: StoredAuditEvent) => whenExactly(time, now) },
    {
      label: 'Action',
      cell: ({ action, outcome }: StoredAuditEvent) =>
        html`${eventWords[action]}<br>${outcome === 'success' ? html`<span class="soft">success</span>` : badge('bad', 'failure')}`,
    },
    {
      label: 'By',
      cell: ({ actor }: StoredAuditEvent) =>
        html`<a class="actor" href="${filtered({ actor })}" title="${actor}">${actorName(actor, names)}</a>`,
    },
    { label: 'On', cell: (event: StoredAuditEvent) => subjectOf(event, href, filtered) },
    { label: 'Details', cell: (event: StoredAuditEvent) => factsOf(event) },
  ];
  return html`<div class="title"><h1>Audit</h1><a class="button quiet" href="${href(`${exportPath}${queryOf(filters)}`)}" download>Export as NDJSON</a></div>
${filterForm(visit, filters)}
${table(columns, events, {
  caption: 'Audit events, newest first',
  empty: html`<p>No event matches.</p><p><a href="${href(auditPath)}">Show all events</a></p>`,
})}
${nextPage(href(auditPath), filters, nextCursor)}
${withCurl(visit, filters)}`;
}

function subjectOf(
  { action, organizationId, connectionName, grantId }: StoredAuditEvent,
  href: (path: string) => string,
  filtered: (changes: Partial<AuditFilters>) => string,
): Markup {
  const connection =
    connectionName === null
      ? null
      : html`<a href="${href(connectionPage({ name: connectionName, organizationId }))}">${isolated(connectionName)}</a><br>`;
  return html`${connection}${ownerName(organizationId)}${grantId === null ? null : html`<br>${grantLink()}`}`;

  /** An event of a grant belongs to its owner. A fetch belongs to the organisation that fetched. */
  function grantLink(): Markup | null {
    if (grantId === null) return null;
    if (!action.startsWith('grant.') || connectionName === null) {
      return html`<a href="${filtered({ grant: grantId })}">Events of this grant</a>`;
    }
    return html`<a href="${href(grantPage({ connectionName, organizationId, grantId }))}">Timeline of the grant</a>`;
  }
}

function factsOf({ details, requestId, address }: StoredAuditEvent): Markup {
  const origin = [
    ...(requestId === null ? [] : [html`request <code>${requestId}</code>`]),
    ...(address === null ? [] : [html`from <code>${address}</code>`]),
  ];
  return html`${detailList(details)}${origin.length === 0 ? null : html`<span class="soft id">${origin.map((each) => html`${each} `)}</span>`}`;
}

function filterForm({ href }: Visit, filters: AuditFilters): Markup {
  const { actor, action, organization, connection, grant, outcome, from, to } = filters;
  const isMore = [actor, grant, from, to].some((value) => value !== undefined);
  return html`<form class="filters" role="search" action="${href(auditPath)}">
<label>Action <select name="action"><option value="">any</option>${auditActions.map((each) => option(each, eventWords[each], action))}</select></label>
<label>Outcome <select name="outcome"><option value="">any</option>${auditOutcomes.map((each) => option(each, each, outcome))}</select></label>
<label>Organisation <input name="organization" value="${organization ?? ''}" autocomplete="off"></label>
<label>Connection <input name="connection" value="${connection ?? ''}" autocomplete="off"></label>
<button class="quiet">Filter</button>
${Object.values(filters).some(Boolean) ? html`<a class="button quiet" href="${href(auditPath)}">Clear</a>` : null}
<details class="more-filters"${isMore ? html` open` : null}><summary>More filters</summary><div>
<label>Caller <input name="actor" value="${actor ?? ''}" autocomplete="off" placeholder="api_key:…"></label>
<label>Grant <input name="grant" value="${grant ?? ''}" autocomplete="off"></label>
<label>From (UTC) <input type="datetime-local" name="from" step="1" value="${fieldTime(from)}"></label>
<label>Until (UTC) <input type="datetime-local" name="to" step="1" value="${fieldTime(to)}"></label>
</div></details>
</form>`;
}

function fieldTime(text: string | undefined): string {
  return text === undefined ? '' : (readUtc(text)?.toISOString().slice(0, 19) ?? '');
}

function option(value: string, label: string, chosen: string | undefined): Markup {
  return html`<option value="${value}"${value === chosen ? html` selected` : null}>${label}</option>`;
}

function withCurl({ baseUrl }: Visit, filters: AuditFilters): Markup {
  const path = `/admin/audit-events${queryOf(apiQueryOf(filters))}`;
  return html`<details class="curl"><summary>The same with curl</summary>
<p class="help">A page of events.</p>${copyable(curlOf({ method: 'GET', baseUrl, path }))}
<p class="help">Every event, one a line.</p>${copyable(curlOf({ method: 'GET', baseUrl, path, accept: ndjson }))}</details>`;
}
