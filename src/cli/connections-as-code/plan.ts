import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { countsOf } from '../../connections-file/describe-plan.ts';
import type { SavedPlan } from '../../connections-file/saved-plan.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { preparePlan, readFileOfConnections, toSavedPlan } from './prepare-plan.ts';
import { planLines } from './print-plan.ts';

export interface PlanOptions {
  file: string;
  prune?: boolean;
  exitCode?: boolean;
  out?: string;
}

export async function plan(context: CommandContext, options: PlanOptions): Promise<void> {
  const { file, prune = false, exitCode = false, out } = options;
  const read = readFileOfConnections(context, file);
  const prepared = await preparePlan(context, read, { prune });
  const saved = toSavedPlan(context, prepared.plan, read, prune);
  if (out !== undefined) writePlan(context, out, saved);
  printPlan(context, saved);
  const { create, change, delete: deleted } = countsOf(saved);
  if (exitCode && create + change + deleted > 0) context.exitCode = exitCodes.usage;
}

/** People read lines, programs the document of --out or, with --ndjson, a step a line. */
function printPlan({ output }: CommandContext, saved: SavedPlan): void {
  if (output.format === 'people') output.raw(`${planLines(saved, output.dataStyle).join('\n')}\n`);
  else if (output.format === 'json') output.raw(`${JSON.stringify(withSummary(saved), null, 2)}\n`);
  else for (const step of saved.steps) output.item(step, '');
}

function withSummary(saved: SavedPlan) {
  return { ...saved, summary: countsOf(saved) };
}

/** A plan shows parameters, which can hold secrets of the provider: only the user may read it. */
function writePlan({ directory, output }: CommandContext, out: string, saved: SavedPlan): void {
  try {
    const path = resolve(directory, out);
    // The mode applies to a new file only.
    rmSync(path, { force: true });
    writeFileSync(path, `${JSON.stringify(withSummary(saved), null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CommandFailure(`${out} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
  output.say(`The plan is in ${out}. Apply it: token-broker apply ${out}`);
}
