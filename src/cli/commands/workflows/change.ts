import { pathOf } from '../../../client/transport/request-url.ts';
import type { CommandContext } from '../../context.ts';
import { type Dependency, type Workflow, workflowFacts } from './workflow.ts';

export async function register(
  context: CommandContext,
  id: string,
  connection: string,
  { workflowName }: { workflowName?: string },
): Promise<void> {
  const api = await context.api();
  const path = pathOf('workflows', id, 'dependencies');
  const call = { method: 'POST', path, body: { connection_name: connection, workflow_name: workflowName } } as const;
  const { body } = await api.call<Dependency>(call);
  await context.output.document(body, [
    ['workflow', body.workflow_id],
    ['name', body.workflow_name],
    ['connection', body.connection_name],
  ]);
}

export async function disable(context: CommandContext, id: string, { reason }: { reason: string }): Promise<void> {
  const api = await context.api();
  const path = pathOf('workflows', id, 'disable');
  const { body } = await api.call<Workflow>({ method: 'POST', path, body: { reason } });
  await context.output.document(body, workflowFacts(body));
}

export async function enable(context: CommandContext, id: string): Promise<void> {
  const api = await context.api();
  const { body } = await api.call<Workflow>({ method: 'POST', path: pathOf('workflows', id, 'enable') });
  await context.output.document(body, workflowFacts(body));
}
