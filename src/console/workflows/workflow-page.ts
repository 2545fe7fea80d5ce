import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { WorkflowView } from '../../broker/workflows/get-workflow.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act, asCurl } from '../layout/acts.ts';
import { doneNotice, notice } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge, connectionBadge } from '../layout/status.ts';
import { nextPage, pairs, table } from '../layout/table.ts';
import { when, whenExactly } from '../layout/time.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { doneTexts } from './disabled-list.ts';
import { causeOf, enablingOf } from './enabling.ts';
import { workflowPage, workflowsPath } from './workflow-address.ts';

export interface WorkflowPage {
  visit: OrganizationVisit;
  id: string;
  state: WorkflowView;
  dependencies: readonly Dependency[];
  nextCursor: string | null;
  connections: ReadonlyMap<string, ConnectionView>;
  done: string | undefined;
  /** Reason that was typed, and what is wrong with it. */
  refused?: { reason: string; message: string } | undefined;
}

/** Longest reason, as in the API. */
export const maxReasonLength = 500;

export function workflowBody(page: WorkflowPage): Markup {
  const { visit, id, state, done } = page;
  const { organizationId } = visit.actor;
  const list = `${workflowsPath}?${new URLSearchParams({ organization: organizationId ?? '' })}`;
  const name = page.dependencies.find(({ workflow }) => workflow.name !== null)?.workflow.name ?? null;
  return html`<p class="back"><a href="${visit.href(list)}">Workflows of ${ownerName(organizationId)}</a></p>
<div class="title"><h1>${isolated(name ?? id)}</h1>${state.isDisabled ? badge('bad', 'Disabled') : badge('good', 'Enabled')}</div>
${doneNotice(doneTexts, done)}
<section class="panel ${state.isDisabled ? 'bad' : 'good'}" aria-labelledby="state"><h2 id="state">State</h2>
${stateOf(page)}</section>
<section aria-labelledby="uses"><h2 id="uses">Connections that it uses</h2>
${dependencyTable(page)}</section>
${state.isDisabled || !visit.may(accessOf.disableWorkflow) ? null : disableForm(page)}`;
}

function stateOf({ visit, id, state, connections }: WorkflowPage): Markup {
  const { now, actor } = visit;
  const facts = pairs([
    ['Id', isolated(id)],
    ['Organisation', ownerName(actor.organizationId)],
    ...(state.disabledAt === null
      ? []
      : [
          [state.isDisabled ? 'Reason' : 'Last reason', isolated(state.reason)] as const,
          ['Disabled', html`${whenExactly(state.disabledAt, now)} by ${isolated(state.disabledBy)}`] as const,
        ]),
    ...(state.enabledAt === null
      ? []
      : [['Enabled', html`${whenExactly(state.enabledAt, now)} by ${isolated(state.enabledBy ?? '')}`] as const]),
  ]);
  if (!state.isDisabled) return html`<p>Its fetches are served.</p>${facts}`;
  const enabling = enablingOf(causeOf(state, connections), actor.organizationId);
  return html`<p>Each fetch that names this workflow is refused.</p>${facts}
${enabling.isReady ? enableAct(visit, id) : html`<p><strong>Missing:</strong> ${isolated(enabling.missing)} <a href="${visit.href(enabling.step.path)}">${enabling.step.label}</a></p>`}`;
}

function enableAct(visit: OrganizationVisit, id: string): Markup {
  const { organizationId } = visit.actor;
  if (!visit.may(accessOf.enableWorkflow))
    return html`<p>Enabling it needs the permission <code>workflows:write</code>.</p>`;
  return html`<div class="act-row">${act({ action: visit.href(workflowPage(id, organizationId, 'enable')), label: 'Enable', csrfField: visit.csrfField, tone: 'main' })}</div>
${asCurl({ method: 'POST', baseUrl: visit.baseUrl, path: `/workflows/${encodeURIComponent(id)}/enable`, organizationId })}`;
}

function dependencyTable({ visit, id, dependencies, nextCursor, connections }: WorkflowPage): Markup {
  const { href, now, actor } = visit;
  const { organizationId } = actor;
  const statusOf = ({ connectionName, connectionId }: Dependency) => {
    const view = connections.get(connectionName);
    if (view === undefined || view.connection.id !== connectionId)
      return html`<span class="soft">hidden by another of its name</span>`;
    return connectionBadge(view, now);
  };
  const columns = [
    {
      label: 'Connection',
      cell: ({ connectionName: name }: Dependency) =>
        html`<a href="${href(connectionPage({ name, organizationId }))}">${isolated(name)}</a>`,
    },
    { label: 'Organisation', cell: ({ connectionOwner }: Dependency) => ownerName(connectionOwner) },
    { label: 'Status', cell: statusOf },
    { label: 'Last fetch', cell: ({ lastAccessedAt }: Dependency) => when(lastAccessedAt, now) },
    { label: 'Registered', cell: ({ registeredAt }: Dependency) => when(registeredAt, now) },
  ];
  const empty = html`<p>No connection is registered for this workflow. Its next fetch with the header <code>X-Workflow-Id</code> registers one.</p>`;
  return html`${table(columns, dependencies, { caption: 'Connections that the workflow uses', empty })}
${nextPage(href(`${workflowsPath}/${encodeURIComponent(id)}`), { organization: organizationId ?? '' }, nextCursor)}`;
}

function disableForm({ visit, id, refused }: WorkflowPage): Markup {
  const { organizationId } = visit.actor;
  const path = `/workflows/${encodeURIComponent(id)}/disable`;
  return html`<section class="panel spaced" aria-labelledby="disable"><h2 id="disable">Disable</h2>
<p>Every fetch that names this workflow is refused at once, with the reason. Nothing at a provider changes.</p>
${refused === undefined ? null : notice('bad', html`Reason ${refused.message}.`)}
<form method="post" class="fields" action="${visit.href(workflowPage(id, organizationId, 'disable'))}">${visit.csrfField}
<label for="reason">Reason</label><input id="reason" name="reason" value="${refused?.reason ?? ''}" required maxlength="${maxReasonLength}" autocomplete="off">
<button class="bad">Disable</button></form>
${asCurl({ method: 'POST', baseUrl: visit.baseUrl, path, organizationId, body: { reason: 'the reason' } })}
</section>`;
}
