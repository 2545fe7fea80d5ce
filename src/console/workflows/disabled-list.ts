import { accessOf } from '../../domain/callers/access.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import type { WorkflowState } from '../../domain/workflows.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act } from '../layout/acts.ts';
import { doneNotice } from '../layout/notices.ts';
import { organizationField } from '../layout/organization-field.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge, statusBadge } from '../layout/status.ts';
import { nextPage, table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { type Cause, enablingOf } from './enabling.ts';
import { workflowPage, workflowsPath } from './workflow-address.ts';

export interface DisabledWorkflow {
  state: WorkflowState;
  cause: Cause;
}

export interface DisabledList {
  visit: Visit;
  /** Undefined if the visitor must name one. */
  organizationId: OrganizationId | undefined;
  workflows: readonly DisabledWorkflow[];
  nextCursor: string | null;
  done: string | undefined;
}

export const doneTexts = {
  enabled: 'The workflow is enabled. Its next fetch is served.',
  disabled: 'The workflow is disabled. Its fetches are refused from now on.',
};

export function disabledList({ visit, organizationId, workflows, nextCursor, done }: DisabledList): Markup {
  const { href, now } = visit;
  const owner = organizationId ?? '';
  return html`<div class="title"><h1>Workflows</h1></div>
${doneNotice(doneTexts, done)}
<form class="filters" action="${href(workflowsPath)}">
${organizationField({ reach: visit.caller, value: owner, empty: visit.caller.global ? 'Global' : null }) ?? html`<input type="hidden" name="organization" value="${owner}">`}
<label>Open by its id <input name="id" autocomplete="off" maxlength="200"></label>
<button class="quiet">Show</button>
</form>
${
  organizationId === undefined
    ? html`<div class="empty"><p>Enter an organisation: you may not see the global scope.</p></div>`
    : html`<h2>Disabled workflows of ${ownerName(organizationId)}</h2>
${table(
  [
    {
      label: 'Workflow',
      cell: ({ state }: DisabledWorkflow) =>
        html`<a href="${href(workflowPage(state.workflowId, organizationId))}">${isolated(state.workflowId)}</a>`,
    },
    { label: 'Reason', cell: ({ state }) => isolated(state.reason) },
    {
      label: 'Disabled',
      cell: ({ state }) =>
        html`${when(state.disabledAt, now)}<br><span class="soft">by ${isolated(state.disabledBy)}</span>`,
    },
    { label: 'Connection', cell: ({ cause }) => causeCell(visit, cause, organizationId) },
    { label: 'What next', cell: (workflow) => nextCell(visit, workflow, organizationId) },
  ],
  workflows,
  {
    caption: 'Disabled workflows',
    empty: html`<p>No workflow of this scope is disabled. A workflow is disabled by a person, or when a connection that it uses is deleted.</p>`,
  },
)}
${nextPage(href(workflowsPath), { organization: owner }, nextCursor)}`
}`;
}

function causeCell({ href }: Visit, cause: Cause, organizationId: OrganizationId): Markup {
  if (cause.kind === 'caller') return html`<span class="soft">none: a caller disabled it</span>`;
  if (cause.kind === 'deleted') return html`${isolated(cause.name)}<br>${badge('bad', 'Deleted')}`;
  const page = href(connectionPage({ name: cause.name, organizationId }));
  return html`<a href="${page}">${isolated(cause.name)}</a><br>${statusBadge(cause.view.status)}`;
}

function nextCell(visit: Visit, { state, cause }: DisabledWorkflow, organizationId: OrganizationId): Markup {
  const enabling = enablingOf(cause, organizationId);
  if (!enabling.isReady) {
    return html`${isolated(enabling.missing)}<br><a href="${visit.href(enabling.step.path)}">${enabling.step.label}</a>`;
  }
  if (!visit.may(accessOf.enableWorkflow))
    return html`It can be enabled, with the permission <code>workflows:write</code>.`;
  return act({
    action: visit.href(workflowPage(state.workflowId, organizationId, 'enable')),
    label: 'Enable',
    csrfField: visit.csrfField,
  });
}
