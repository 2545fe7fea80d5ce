import type { FastifyInstance } from 'fastify';
import type { DisableWorkflow } from '../../broker/workflows/disable-workflow.ts';
import type { EnableWorkflow } from '../../broker/workflows/enable-workflow.ts';
import type { GetWorkflow } from '../../broker/workflows/get-workflow.ts';
import type { ListDependencies } from '../../broker/workflows/list-dependencies.ts';
import type { ListDependents } from '../../broker/workflows/list-dependents.ts';
import type { ListDisabled } from '../../broker/workflows/list-disabled.ts';
import type { RegisterDependency } from '../../broker/workflows/register-dependency.ts';
import * as routes from '../contract/workflows.ts';
import { mount } from '../mount.ts';
import { fromDependency, fromWorkflow } from '../schemas/workflows.ts';

export interface WorkflowUseCases {
  registerDependency: RegisterDependency;
  listDependencies: ListDependencies;
  listDependents: ListDependents;
  getWorkflow: GetWorkflow;
  listDisabledWorkflows: ListDisabled;
  disableWorkflow: DisableWorkflow;
  enableWorkflow: EnableWorkflow;
}

export function workflowRoutes(app: FastifyInstance, useCases: WorkflowUseCases): void {
  mount(app, routes.registerDependency, async ({ actor, params, body }, reply) => {
    const workflow = { id: params.id, name: body.workflow_name ?? null };
    const { dependency, isNew } = await useCases.registerDependency(actor, workflow, body.connection_name);
    reply.code(isNew ? 201 : 200);
    return fromDependency(dependency);
  });

  mount(app, routes.listDependencies, async ({ actor, params, query }) => {
    const { items, nextCursor } = await useCases.listDependencies(actor, params.id, toPageRequest(query));
    return { dependencies: items.map(fromDependency), next_cursor: nextCursor };
  });

  mount(app, routes.listDependents, async ({ actor, params, query }) => {
    const { items, nextCursor } = await useCases.listDependents(actor, params.name, toPageRequest(query));
    return { dependents: items.map(fromDependency), next_cursor: nextCursor };
  });

  mount(app, routes.getWorkflow, async ({ actor, params }) =>
    fromWorkflow(await useCases.getWorkflow(actor, params.id)),
  );

  mount(app, routes.listDisabledWorkflows, async ({ actor, query }) => {
    const { items, nextCursor } = await useCases.listDisabledWorkflows(actor, toPageRequest(query));
    return { workflows: items.map(fromWorkflow), next_cursor: nextCursor };
  });

  mount(app, routes.disableWorkflow, async ({ actor, params, body }) =>
    fromWorkflow(await useCases.disableWorkflow(actor, params.id, body.reason)),
  );

  mount(app, routes.enableWorkflow, async ({ actor, params }) =>
    fromWorkflow(await useCases.enableWorkflow(actor, params.id)),
  );
}

function toPageRequest({ limit, cursor }: { limit: number; cursor?: string | undefined }) {
  return cursor ? { limit, cursor } : { limit };
}
