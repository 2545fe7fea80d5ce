import { pathOf } from '../../../client/transport/request-url.ts';
import type { CommandContext } from '../../context.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { readPages } from '../../read-pages.ts';
import { type Dependency, type Workflow, workflowFacts } from './workflow.ts';

type Page<Name extends string, Item> = Record<Name, Item[]> & { next_cursor: string | null };

export async function listDisabled(context: CommandContext): Promise<void> {
  const items: Workflow[] = [];
  const call = { method: 'GET', path: '/workflows/disabled' } as const;
  for await (const page of readPages<Page<'workflows', Workflow>>(await context.api(), call)) {
    items.push(...page.workflows);
  }
  await context.output.list<Workflow>({
    name: 'workflows',
    items,
    empty: 'No workflow is disabled.',
    columns: [
      { title: 'WORKFLOW', text: ({ workflow_id: id }) => id },
      { title: 'CONNECTION', text: ({ connection_name: name }) => name },
      { title: 'DISABLED', text: ({ disabled_at: at }) => relativeTime(at) },
      { title: 'BY', text: ({ disabled_by: by }) => by },
      { title: 'REASON', text: ({ disabled_reason: reason }) => reason },
    ],
  });
}

export async function showWorkflow(context: CommandContext, id: string): Promise<void> {
  const api = await context.api();
  const { body } = await api.call<Workflow>({ method: 'GET', path: pathOf('workflows', id) });
  await context.output.document(body, workflowFacts(body));
}

export async function listDependencies(context: CommandContext, id: string): Promise<void> {
  const items: Dependency[] = [];
  const call = { method: 'GET', path: pathOf('workflows', id, 'dependencies') } as const;
  for await (const page of readPages<Page<'dependencies', Dependency>>(await context.api(), call)) {
    items.push(...page.dependencies);
  }
  await printDependencies(context, 'dependencies', items);
}

export async function listDependents(context: CommandContext, name: string): Promise<void> {
  const items: Dependency[] = [];
  const call = { method: 'GET', path: pathOf('connections', name, 'dependents') } as const;
  for await (const page of readPages<Page<'dependents', Dependency>>(await context.api(), call)) {
    items.push(...page.dependents);
  }
  await printDependencies(context, 'dependents', items);
}

function printDependencies({ output }: CommandContext, name: string, items: Dependency[]): Promise<void> {
  return output.list<Dependency>({
    name,
    items,
    columns: [
      { title: 'WORKFLOW', text: ({ workflow_id: id }) => id },
      { title: 'NAME', text: ({ workflow_name: text }) => text },
      { title: 'CONNECTION', text: ({ connection_name: text }) => text },
      { title: 'ORGANISATION', text: ({ connection_organization_id: id }) => id ?? 'global' },
      { title: 'LAST USED', text: ({ last_accessed_at: at }) => relativeTime(at) },
    ],
  });
}
