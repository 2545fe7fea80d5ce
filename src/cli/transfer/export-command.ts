import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ExportedGrant, exportGrants } from './export-grants.ts';
import { readText } from './import-file.ts';
import type { Seal } from './sealing/sealed-text.ts';

export interface ExportOptions {
  connection?: string | undefined;
  /** age recipient, or a file with one or with a JWK. */
  recipient?: string | undefined;
}

const grantsPerUpdate = 100;

/** Prints a line for each grant. With a recipient, each line carries its tokens sealed to that key. */
export async function exportCommand(context: CommandContext, { connection, recipient }: ExportOptions): Promise<void> {
  const { output, organization } = context;
  const seal = recipient === undefined ? undefined : await readRecipient(context, recipient);
  const api = await context.api();
  const missing = new Map<string, number>();
  let count = 0;
  let mayComeLater = false;
  await context.prompts.progress('exporting', async (update) => {
    for await (const grant of exportGrants(api, { connection, organization }, seal !== undefined)) {
      output.raw(`${JSON.stringify(await toLine(grant, seal))}\n`);
      if (++count % grantsPerUpdate === 0) update(`exporting: ${count} grants`);
      if (grant.missing === undefined) continue;
      missing.set(grant.missing.code, (missing.get(grant.missing.code) ?? 0) + 1);
      mayComeLater ||= grant.missing.mayComeLater;
    }
  });
  output.say(`${count} ${count === 1 ? 'grant' : 'grants'} exported.`);
  for (const [code, number] of missing) output.warn(`${number} without a token: ${code}`);
  if (seal !== undefined)
    output.warn('Access tokens are sealed, refresh tokens are not exported: see docs/MIGRATING.md.');
  if (mayComeLater) context.exitCode = exitCodes.tryLater;
}

async function toLine({ line, withTokens }: ExportedGrant, seal: Seal | undefined): Promise<unknown> {
  if (seal === undefined || withTokens === undefined) return line;
  return { ...line, sealed: await seal(JSON.stringify(withTokens)) };
}

async function readRecipient(context: CommandContext, recipient: string): Promise<Seal> {
  const { createSeal } = await import('./sealing/sealer.ts');
  return createSeal(recipient.startsWith('age1') ? recipient : await readText(context, recipient));
}
