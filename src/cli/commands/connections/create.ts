import type { ChangePreview, Connection, NewConnection } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import { exitCodes } from '../../exit-codes.ts';
import { type FieldOptions, fieldsOf, readClientSecret } from './fields.ts';
import { printPreview } from './preview.ts';
import { connectionFacts } from './show.ts';

export interface CreateOptions extends FieldOptions {
  dryRun?: boolean;
}

export async function createConnection(context: CommandContext, name: string, options: CreateOptions): Promise<void> {
  const { output, prompts } = context;
  const api = await context.api();
  const body = await newConnection(context, name, options);
  const call = { method: 'POST', path: '/connections', body } as const;
  if (options.dryRun) {
    const { body: preview } = await api.call<ChangePreview>({ ...call, query: { dry_run: true } });
    return printPreview(output, preview);
  }
  const { body: created } = await prompts.progress(`Creating ${name}`, () => api.call<Connection>(call));
  await output.document(created, connectionFacts(created));
  // A client_credentials connection fetches its first token at once. The connection stays if that fails.
  if (created.status === 'failed') context.exitCode = exitCodes.personMustAct;
  if (created.oauth_flow_type !== 'authorization_code') return;
  output.say(`Register this redirect URI at the provider: ${created.redirect_uri}`);
  output.say(`Then connect an account: token-broker authorize ${name}`);
}

/** Asks a person for what the options leave open. */
async function newConnection(context: CommandContext, name: string, options: CreateOptions): Promise<NewConnection> {
  const { prompts } = context;
  const given = fieldsOf(options);
  const isOpen = prompts.isInteractive && options.clientId === undefined;
  const provider =
    isOpen && options.provider === undefined && options.tokenUrl === undefined
      ? { provider: await prompts.text('Provider', '--provider', 'generic') }
      : {};
  const clientId = options.clientId ?? (await prompts.text('Client id', '--client-id'));
  // Without a secret's source a person is asked, unless the client has none.
  const asks = options.clientSecret === undefined && isOpen && options.tokenAuthMethod !== 'none';
  const secret = await readClientSecret(context, asks ? true : options.clientSecret);
  const fields = { ...given, ...provider, connection_name: name, client_id: clientId };
  return secret === undefined ? fields : { ...fields, client_secret: secret };
}
