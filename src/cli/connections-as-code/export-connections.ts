import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TokenBrokerError } from '../../client/errors.ts';
import { pathOf } from '../../client/transport/request-url.ts';
import type { Connection, ConnectionList } from '../../client/types/connection.ts';
import { mapInOrder } from '../../connections-file/map-in-order.ts';
import {
  createVariableNames,
  type TemplateDefaults,
  toDeclared,
  unwritableFields,
  writeConnectionsFile,
} from '../../connections-file/write-connections-file.ts';
import type { Api } from '../api.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure } from '../exit-codes.ts';
import { readPages } from '../read-pages.ts';
import { nameOf } from './prepare-plan.ts';
import { defaultFile } from './register.ts';

/** Calls at a time. */
const concurrency = 4;

interface Exported {
  entry: Record<string, unknown>;
  /** Variable for its client secret; undefined for a public client. */
  variable: string | undefined;
}

/** Writes the connections of the scope as a file that plans to nothing. Those that another file keeps are left out. */
export async function exportConnections(context: CommandContext, { out }: { out?: string | undefined }): Promise<void> {
  const { output, prompts, organization } = context;
  const api = await context.api();
  const kept = await listOwn(context, api, nameOf(out ?? defaultFile));
  const details = await prompts.progress('Exporting', () =>
    mapInOrder(kept, concurrency, async (name) => {
      const { body } = await api.call<Connection>({ method: 'GET', path: pathOf('connections', name) });
      return body;
    }),
  );
  const templates = await readTemplates(api, details);
  const variableFor = createVariableNames();
  const exported = details.map((detail): Exported => {
    const variable = detail.has_client_secret ? variableFor(detail.connection_name) : undefined;
    return { entry: toDeclared({ ...detail }, templates.get(detail.provider), variable), variable };
  });
  const writable = exported.filter(({ entry }) => unwritableFields(entry).length === 0);
  write(
    context,
    out,
    writable.map(({ entry }) => entry),
  );
  const scope = organization === undefined ? '' : ` of ${organization}`;
  output.say(`${writable.length} of ${exported.length} connections${scope} exported.`);
  sayVariables(context, writable);
  const left = exported.filter(({ entry }) => unwritableFields(entry).length > 0);
  if (left.length === 0) return;
  for (const { entry } of left)
    output.warn(`${entry.connection_name}: ${unwritableFields(entry).join(', ')} holds \${`);
  throw new CommandFailure('A file can hold ${ in client_secret only. These connections were left out.');
}

async function listOwn({ output }: CommandContext, api: Api, file: string): Promise<string[]> {
  const pages = readPages<ConnectionList>(api, {
    method: 'GET',
    path: '/connections',
    query: { include_global: false },
  });
  const names: string[] = [];
  const others = new Map<string, number>();
  for await (const { connections } of pages) {
    for (const { connection_name: name, managed_by: owner } of connections) {
      if (owner === null || owner === file) names.push(name);
      else others.set(owner, (others.get(owner) ?? 0) + 1);
    }
  }
  for (const [owner, count] of others) output.warn(`${count} connections are kept in ${owner} and were left out.`);
  return names.toSorted();
}

/** A template that was removed has no defaults: its connections are written out in full. */
async function readTemplates(api: Api, details: readonly Connection[]): Promise<Map<string, TemplateDefaults>> {
  const found = new Map<string, TemplateDefaults>();
  const ids = [...new Set(details.map(({ provider }) => provider))];
  await mapInOrder(ids, concurrency, async (id) => {
    try {
      const { body } = await api.call<Template>({ method: 'GET', path: pathOf('providers', id) });
      const { authorization_url, token_url, revocation_url, test_url, variables, default_scopes: scopes } = body;
      found.set(id, { urls: { authorization_url, token_url, revocation_url, test_url }, variables, scopes });
    } catch (error) {
      if (!(error instanceof TokenBrokerError) || error.status !== 404) throw error;
    }
  });
  return found;
}

/** Members of a provider that are read here. */
interface Template {
  authorization_url: string | null;
  token_url: string | null;
  revocation_url: string | null;
  test_url: string | null;
  variables: Record<string, { default: string | null }>;
  default_scopes: string[];
}

function write({ output, directory }: CommandContext, out: string | undefined, entries: Exported['entry'][]): void {
  const text = output.format === 'people' ? writeConnectionsFile(entries) : `${JSON.stringify(entries, null, 2)}\n`;
  if (out === undefined) {
    output.raw(text);
    return;
  }
  try {
    // An existing file may hold comments and fields that its owner wrote.
    writeFileSync(resolve(directory, out), text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(code === 'EEXIST' ? `${out} exists already.` : `${out} cannot be written (${code}).`);
  }
}

function sayVariables({ output }: CommandContext, exported: readonly Exported[]): void {
  const variables = exported.flatMap(({ variable }) => variable ?? []);
  if (variables.length === 0) return;
  output.say(
    'Client secrets are not exported. Set these variables to them, or remove the line to keep the stored one:',
  );
  for (const variable of variables) output.say(`  ${variable}`);
}
