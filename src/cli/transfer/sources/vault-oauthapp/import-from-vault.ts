import type { NewConnection } from '../../../../client/token-broker.ts';
import { pathOf } from '../../../../client/transport/request-url.ts';
import type { Api } from '../../../api.ts';
import type { CommandContext } from '../../../context.ts';
import { CommandFailure, exitCodes } from '../../../exit-codes.ts';
import { readText } from '../../import-file.ts';
import type { ImportFlags } from '../../import-flags.ts';
import type { ImportOptions } from '../../lines/send-lines.ts';
import { connectionNameOf } from '../connection-name.ts';
import { createEnsureConnection, type Ensured } from '../ensure-connection.ts';
import { parametersOf, recordOf, textOf } from '../values.ts';
import { createLink, type Link } from './create-links.ts';
import { mapServer } from './map-server.ts';
import { readVaultFile, type VaultCredential, type VaultMachine, type VaultServer } from './vault-lines.ts';

type Body = NewConnection;

/** Creates connections for the servers of a file, and prints a link for each credential. Safe to repeat. */
export async function importFromVault(
  context: CommandContext,
  file: string,
  flags: ImportFlags,
  { dryRun }: ImportOptions,
): Promise<void> {
  const { output, organization } = context;
  const { servers, credentials, machines } = readVaultFile(await readText(context, file));
  const secrets = flags.clientSecrets === undefined ? {} : await readSecrets(context, flags.clientSecrets);
  const api = await context.api();
  const ensure = createEnsureConnection(api, { organization, dryRun });
  const links: Link[] = [];

  for (const machine of machines) await addMachine(machine);
  const connected = new Map<string, string>();
  for (const server of servers.values()) {
    const used = credentials.filter(({ server: name }) => name === server.name);
    const name = await addServer(server, used);
    if (name !== undefined) connected.set(server.name, name);
  }
  for (const credential of credentials) await addLink(credential);
  await output.list({
    name: 'links',
    items: links,
    columns: [
      { title: 'CONNECTION', text: ({ connection_name: name }) => name },
      { title: 'ORGANISATION', text: ({ organization_id: id }) => id },
      { title: 'SUBJECT', text: ({ subject }) => subject },
      { title: 'LINK', text: ({ authorization_url: url }) => url ?? 'connected already' },
    ],
    empty: dryRun ? 'Dry run, nothing was created.' : 'No link to open.',
  });

  async function addServer(server: VaultServer, used: readonly VaultCredential[]): Promise<string | undefined> {
    const mapped = mapServer(server);
    if ('reason' in mapped) return void fail(`server ${server.name}: ${mapped.reason}`);
    // The engine holds scopes for each credential: the connection asks for all of them.
    const scopes = [...new Set(used.flatMap((credential) => credential.scopes ?? []))];
    const name = connectionNameOf(server.name);
    return add(server.name, {
      connection_name: name,
      ...mapped,
      ...(scopes.length > 0 && { scopes }),
    });
  }

  async function addMachine({ name, server, scopes, tokenParams }: VaultMachine): Promise<void> {
    const found = servers.get(server);
    const mapped = found === undefined ? { reason: `the file has no server ${server}` } : mapServer(found);
    if ('reason' in mapped) return fail(`self ${name}: ${mapped.reason}`);
    const { authorize_params: _unused, authorization_url: _none, ...rest } = mapped;
    const token_params = parametersOf(tokenParams);
    const flow = {
      oauth_flow_type: 'client_credentials' as const,
      ...(token_params !== undefined && { token_params }),
    };
    await add(server, {
      connection_name: connectionNameOf(name),
      ...rest,
      ...flow,
      ...(scopes !== undefined && { scopes: [...scopes] }),
    });
  }

  /** Creates the connection, with the secret of its server. Returns its name if people can authorize. */
  async function add(server: string, body: Body): Promise<string | undefined> {
    const secret = textOf(secrets[server]);
    const { connection_name: name } = body;
    const ensured = await ensure({ ...body, ...(secret !== undefined && { client_secret: secret }) });
    if (ensured.state === 'refused') return void fail(`server ${server}: ${ensured.reason}`);
    if (ensured.state === 'planned') return void output.say(`The connection ${name} would be created.`);
    if (dryRun) return undefined;
    if (ensured.state === 'created') output.say(`The connection ${name} was created.`);
    if (ensured.state === 'created' && ensured.firstTokenFault !== undefined && secret !== undefined) {
      return void fail(`${name}: its first token failed: ${ensured.firstTokenFault}`);
    }
    if (await hasSecret(api, ensured, name, secret)) return name;
    return void fail(`${name} has no client secret: name it in --client-secrets, and run the command again`);
  }

  async function addLink(credential: VaultCredential): Promise<void> {
    const name = connected.get(credential.server);
    if (name !== undefined) links.push(await createLink(api, name, credential));
    else if (!servers.has(credential.server))
      fail(`credential ${credential.name}: the file has no server ${credential.server}`);
  }

  function fail(text: string): void {
    output.warn(text);
    context.exitCode = exitCodes.failure;
  }
}

/** Adds the secret to a connection that an earlier run created without one. */
async function hasSecret(api: Api, ensured: Ensured, name: string, secret: string | undefined): Promise<boolean> {
  const isThere = ensured.state === 'exists' && ensured.connection.has_client_secret;
  if (isThere || (ensured.state === 'created' && secret !== undefined)) return true;
  if (secret === undefined) return false;
  await api.call({ method: 'PATCH', path: pathOf('connections', name), body: { client_secret: secret } });
  return true;
}

async function readSecrets(context: CommandContext, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return recordOf(JSON.parse(await readText(context, file)));
  } catch (error) {
    // The parser's message quotes the file.
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`${file} is not a JSON object of client secrets.`, exitCodes.usage);
  }
}
