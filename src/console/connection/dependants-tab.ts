import type { Page } from '../../domain/ports/workflows.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { queryOf, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { nextLink } from './grants-tab.ts';
import type { Shown } from './shown.ts';

/** The workflows that depend on a connection. */
export function dependantsTab(shown: Shown, { items, nextCursor }: Page<Dependency>): Markup {
  const { visit, place } = shown;
  const { name, organizationId } = place;
  const columns = [
    { label: 'Workflow', cell: (dependency: Dependency) => workflowLink(shown, dependency) },
    { label: 'Id', cell: ({ workflow }: Dependency) => html`<code>${workflow.id}</code>` },
    { label: 'Last fetch', cell: ({ lastAccessedAt }: Dependency) => when(lastAccessedAt, visit.now) },
    { label: 'Known since', cell: ({ registeredAt }: Dependency) => when(registeredAt, visit.now) },
  ];
  return html`<h2 class="hidden">Dependants</h2>
<p class="soft">Workflows that registered for this connection, or that named themselves when they fetched a token.</p>
${table(columns, items, {
  caption: `Workflows that depend on ${name}`,
  empty: html`<p>No workflow depends on it. A workflow appears here when a fetch names it in the header <code>X-Workflow-Id</code>.</p>`,
})}
${nextLink(shown, 'dependants', nextCursor)}
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path: `/connections/${name}/dependents`, organizationId })}`;
}

export function workflowLink({ visit, place }: Shown, { workflow }: Dependency): Markup {
  const page = `/console/workflows${queryOf({ organization: place.organizationId ?? '' })}`;
  return html`<a href="${visit.href(page)}">${isolated(workflow.name ?? workflow.id)}</a>`;
}
