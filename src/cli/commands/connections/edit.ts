import { pathOf } from '../../../client/transport/request-url.ts';
import type { ChangePreview, Connection, ConnectionPatch } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { type FieldOptions, fieldsOf, readClientSecret } from './fields.ts';
import { printPreview, sayPreview } from './preview.ts';
import { connectionFacts } from './show.ts';

export interface EditOptions extends FieldOptions {
  unset?: string[];
  dryRun?: boolean;
}

export async function editConnection(context: CommandContext, name: string, options: EditOptions): Promise<void> {
  const { output, prompts } = context;
  const patch = await patchOf(context, options);
  if (Object.keys(patch).length === 0) throw new CommandFailure('No field to change is named.', exitCodes.usage);
  const api = await context.api();
  const path = pathOf('connections', name);
  const { headers } = await api.call<Connection>({ method: 'GET', path });
  // The change is made on the version that was previewed, or refused.
  const version = { 'if-match': headers.get('etag') ?? '*' };
  const call = { method: 'PATCH', path, headers: version } as const;
  const dryRun = await api.call<ChangePreview>({ ...call, query: { dry_run: true }, body: patch });
  const preview = dryRun.body;
  if (options.dryRun) return printPreview(output, preview);
  if (preview.changes.length === 0) return output.say('Nothing to change.');
  sayPreview(output, preview);
  const disconnects = preview.effects.grants_disconnected > 0 || preview.effects.workflows_disabled > 0;
  if (disconnects) await prompts.confirmName(name, `Type ${name} to change it`);
  const body = await completed(context, patch, preview);
  const { body: changed } = await api.call<Connection>({ ...call, query: { confirm_disconnect: disconnects }, body });
  await output.document(changed, connectionFacts(changed));
}

async function patchOf(context: CommandContext, options: EditOptions): Promise<ConnectionPatch> {
  const unset = Object.fromEntries((options.unset ?? []).map((field) => [field.replaceAll('-', '_'), null]));
  const secret = await readClientSecret(context, options.clientSecret);
  return { ...fieldsOf(options), ...unset, ...(secret === undefined ? {} : { client_secret: secret }) };
}

/** Asks for the client secret if the change needs it, for example because it moves the token endpoint. */
async function completed(
  context: CommandContext,
  patch: ConnectionPatch,
  { effects }: ChangePreview,
): Promise<ConnectionPatch> {
  if (!effects.client_secret_required || patch.client_secret !== undefined) return patch;
  return { ...patch, client_secret: await context.prompts.secret('Client secret', '--client-secret') };
}
