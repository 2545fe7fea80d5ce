import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../../../context.ts';
import { CommandFailure, exitCodes } from '../../../exit-codes.ts';
import { readText } from '../../import-file.ts';
import type { ImportFlags } from '../../import-flags.ts';
import { importGrants } from '../../import-grants.ts';
import { createImportReport } from '../../import-report.ts';
import type { ImportOptions } from '../../lines/send-lines.ts';
import { confirmStopped } from '../confirm-stopped.ts';
import { createEnsureConnection } from '../ensure-connection.ts';
import { readTemplates } from '../match-template.ts';
import { migrate } from '../migrate.ts';
import type { SubjectKind } from './map-grant.ts';
import { createNangoApi } from './nango-api.ts';
import { readItems } from './read-items.ts';

/** Walks the API of Nango and imports its connections. Nothing is changed in Nango. */
export async function importFromNango(
  context: CommandContext,
  flags: ImportFlags,
  options: ImportOptions,
): Promise<void> {
  const subject = subjectKind(flags.subject);
  const url = addressOf(flags.nangoUrl);
  if (!options.dryRun) await confirmStopped(context, 'Nango', flags.refreshStopped === true);
  const key = await readKey(context, flags.nangoKeyFile);
  const nango = createNangoApi({ url, key, sleep: async (milliseconds) => void (await sleep(milliseconds)) });
  const api = await context.api();
  const { organization } = context;
  const report = createImportReport(context.output, options.dryRun);
  const items = readItems(nango, { integrations: flags.integration, subject, templates: await readTemplates(api) });
  const ensure = createEnsureConnection(api, { organization, dryRun: options.dryRun });
  await importGrants(context, api, migrate(items, { ensure, report, organization }), options, report);
}

function subjectKind(text: string): SubjectKind {
  if (text === 'connection-id' || text === 'end-user') return text;
  throw new CommandFailure('--subject is connection-id or end-user.', exitCodes.usage);
}

function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '') return url.href;
  throw new CommandFailure('--nango-url is the address of Nango, such as https://api.nango.dev.', exitCodes.usage);
}

/** The key is no argument: other users of the machine see arguments. */
async function readKey(context: CommandContext, file: string | undefined): Promise<string> {
  const { environment, prompts } = context;
  const { NANGO_SECRET_KEY: variable = '' } = environment;
  const given = file === undefined ? variable : (await readText(context, file)).trim();
  const question = 'API key of the Nango environment';
  const key = given === '' ? await prompts.secret(question, '--nango-key-file or NANGO_SECRET_KEY') : given;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandFailure('The Nango key is printable ASCII without spaces.', exitCodes.usage);
}
