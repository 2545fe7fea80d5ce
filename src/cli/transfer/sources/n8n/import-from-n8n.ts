import type { CommandContext } from '../../../context.ts';
import { CommandFailure, exitCodes } from '../../../exit-codes.ts';
import { readText } from '../../import-file.ts';
import type { ImportFlags } from '../../import-flags.ts';
import { importGrants } from '../../import-grants.ts';
import { createImportReport } from '../../import-report.ts';
import type { ImportOptions } from '../../lines/send-lines.ts';
import { confirmStopped } from '../confirm-stopped.ts';
import { createNames } from '../connection-name.ts';
import { createEnsureConnection } from '../ensure-connection.ts';
import type { Item } from '../item.ts';
import { readTemplates } from '../match-template.ts';
import { migrate } from '../migrate.ts';
import { type MappingDeps, mapCredential } from './map-credential.ts';

/** Imports the decrypted export of credentials of n8n, a JSON array or one credential. */
export async function importFromN8n(
  context: CommandContext,
  file: string,
  flags: ImportFlags,
  options: ImportOptions,
): Promise<void> {
  if (!options.dryRun) await confirmStopped(context, 'n8n', flags.refreshStopped === true);
  const credentials = parse(await readText(context, file), file);
  const api = await context.api();
  const { organization } = context;
  const report = createImportReport(context.output, options.dryRun);
  const deps = { templates: await readTemplates(api), nameOf: createNames() };
  const ensure = createEnsureConnection(api, { organization, dryRun: options.dryRun });
  const lines = migrate(itemsOf(credentials, deps), { ensure, report, organization });
  await importGrants(context, api, lines, options, report);
}

async function* itemsOf(credentials: readonly unknown[], deps: MappingDeps): AsyncGenerator<Item> {
  for (const credential of credentials) yield mapCredential(credential, deps);
}

function parse(text: string, file: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    // The parser's message quotes the file, which holds tokens.
    throw new CommandFailure(`${file} is not JSON.`, exitCodes.usage, 'n8n export:credentials --all --decrypted');
  }
}
