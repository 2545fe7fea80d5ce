import { z } from 'zod';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import type { DisableWorkflow } from '../../broker/workflows/disable-workflow.ts';
import type { EnableWorkflow } from '../../broker/workflows/enable-workflow.ts';
import type { GetWorkflow } from '../../broker/workflows/get-workflow.ts';
import type { ListDependencies } from '../../broker/workflows/list-dependencies.ts';
import type { ListDisabled } from '../../broker/workflows/list-disabled.ts';
import { accessOf, authorize } from '../../domain/callers/access.ts';
import { workflowIdPattern } from '../../domain/workflows.ts';
import { firstOrganization } from '../layout/organization-field.ts';
import { optionalText, organizationField } from '../server/forms.ts';
import type { PageAnswer, Pages } from '../server/page-route.ts';
import type { OrganizationVisit, Visit } from '../server/visit.ts';
import { disabledList } from './disabled-list.ts';
import { causeOf } from './enabling.ts';
import { findConnections } from './find-connections.ts';
import { workflowPage } from './workflow-address.ts';
import { maxReasonLength, type WorkflowPage, workflowBody } from './workflow-page.ts';

export interface WorkflowUseCases {
  listDisabledWorkflows: ListDisabled;
  listDependencies: ListDependencies;
  getWorkflow: GetWorkflow;
  disableWorkflow: DisableWorkflow;
  enableWorkflow: EnableWorkflow;
  getConnection: GetConnection;
}

/** Rows of one page. The connection of each row is read too. */
const pageSize = 25;

const id = z.string().regex(workflowIdPattern, 'is not the id of a workflow');
const params = z.object({ id });
const listQuery = z.object({
  organization: organizationField,
  id: z.union([z.literal('').transform(() => undefined), id]).optional(),
  cursor: optionalText,
  done: optionalText,
});
const pageQuery = z.object({ organization: organizationField, cursor: optionalText, done: optionalText });
const actQuery = z.object({ organization: organizationField });
const disableForm = z.object({ reason: z.string().trim().default('') });
const reason = z
  .string()
  .min(1, 'is missing')
  .max(maxReasonLength, `has more than ${maxReasonLength} characters`)
  .regex(/^\P{Cc}*$/u, 'must not hold control characters');

export function workflowPages(pages: Pages, useCases: WorkflowUseCases): void {
  // The page chooses an organisation for a visitor of several, which the rule of the API refuses to do.
  pages.mount(
    { method: 'GET', path: '/workflows', access: { for: 'session' }, query: listQuery },
    async (visit, { query }) => {
      const organization =
        query.organization === undefined ? firstOrganization(visit.caller) : query.organization || null;
      if (query.id !== undefined && organization !== undefined)
        return { seeOther: workflowPage(query.id, organization) };
      return {
        title: 'Workflows',
        section: 'workflows',
        body: disabledList({
          visit,
          ...(await readDisabled(useCases, visit, { ...query, organization })),
          done: query.done,
        }),
      };
    },
  );

  pages.mount(
    { method: 'GET', path: '/workflows/{id}', access: accessOf.getWorkflow, params, query: pageQuery },
    (visit, { params, query }) => workflowAnswer(useCases, visit, params.id, query),
  );

  pages.mount(
    { method: 'POST', path: '/workflows/{id}/enable', access: accessOf.enableWorkflow, params, query: actQuery },
    async ({ actor }, { params }) => {
      await useCases.enableWorkflow(actor, params.id);
      return { seeOther: `${workflowPage(params.id, actor.organizationId)}&done=enabled` };
    },
  );

  pages.mount(
    {
      method: 'POST',
      path: '/workflows/{id}/disable',
      access: accessOf.disableWorkflow,
      params,
      query: actQuery,
      form: disableForm,
    },
    async (visit, { params, form }) => {
      const read = reason.safeParse(form.reason);
      if (!read.success) {
        const refused = { reason: form.reason, message: read.error.issues[0]?.message ?? 'is not valid' };
        // The page shows the state, so it needs the right to read it.
        authorize(visit.caller, accessOf.getWorkflow, visit.actor.organizationId, visit.trace);
        return { ...(await workflowAnswer(useCases, visit, params.id, {}, refused)), status: 400 };
      }
      await useCases.disableWorkflow(visit.actor, params.id, read.data);
      return { seeOther: `${workflowPage(params.id, visit.actor.organizationId)}&done=disabled` };
    },
  );
}

async function readDisabled(
  { listDisabledWorkflows, getConnection }: WorkflowUseCases,
  { caller, trace }: Visit,
  { organization, cursor }: { organization: string | null | undefined; cursor?: string | undefined },
) {
  if (organization === undefined) return { organizationId: undefined, workflows: [], nextCursor: null };
  const actor = authorize(caller, accessOf.listDisabledWorkflows, organization, trace);
  const { items, nextCursor } = await listDisabledWorkflows(actor, { limit: pageSize, ...(cursor && { cursor }) });
  const names = items.map(({ connectionName }) => connectionName);
  const found = await findConnections(getConnection, actor, names);
  const workflows = items.map((state) => ({ state, cause: causeOf(state, found) }));
  return { organizationId: actor.organizationId, workflows, nextCursor };
}

async function workflowAnswer(
  { getWorkflow, listDependencies, getConnection }: WorkflowUseCases,
  visit: OrganizationVisit,
  id: string,
  { cursor, done }: { cursor?: string | undefined; done?: string | undefined },
  refused?: WorkflowPage['refused'],
): Promise<PageAnswer> {
  const page = { limit: pageSize, ...(cursor && { cursor }) };
  const [state, { items, nextCursor }] = await Promise.all([
    getWorkflow(visit.actor, id),
    listDependencies(visit.actor, id, page),
  ]);
  const names = [state.isDisabled ? state.connectionName : null, ...items.map(({ connectionName }) => connectionName)];
  const connections = await findConnections(getConnection, visit.actor, names);
  return {
    title: `Workflow ${id}`,
    section: 'workflows',
    body: workflowBody({ visit, id, state, dependencies: items, nextCursor, connections, done, refused }),
  };
}
