import { pathOf } from '../../../client/transport/request-url.ts';
import type { ChangePreview, DeletedConnection } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import { printPreview, sayPreview } from './preview.ts';

export interface DeleteOptions {
  disableWorkflows?: boolean;
  dryRun?: boolean;
}

export async function deleteConnection(context: CommandContext, name: string, options: DeleteOptions): Promise<void> {
  const { output, prompts, flags } = context;
  const api = await context.api();
  const call = { method: 'DELETE', path: pathOf('connections', name) } as const;
  const dryRun = await api.call<ChangePreview>({ ...call, query: { dry_run: true } });
  // That every field goes is no news to a person.
  const effects = { ...dryRun.body, changes: [] };
  if (options.dryRun) return printPreview(output, output.format === 'people' ? effects : dryRun.body);
  output.say(`Deleting ${name}:`);
  sayPreview(output, effects);
  await prompts.confirmName(name, `Type ${name} to delete it`);
  // A person who typed the name has read of the workflows. With --yes the flag says it.
  const confirmed = options.disableWorkflows === true || flags.yes !== true;
  const query = { confirm_disable_workflows: confirmed };
  const { body } = await api.call<DeletedConnection>({ ...call, query });
  if (output.format !== 'people') return output.document(body, []);
  output.say(body.message);
  for (const { workflow_id: id } of body.disabled_workflows) output.say(`  disabled the workflow ${id}`);
}
