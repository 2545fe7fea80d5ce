import { applyPlan, type StepResult } from '../../connections-file/apply-plan.ts';
import { movedSince, parseSavedPlan, type SavedPlan } from '../../connections-file/saved-plan.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { cleanText } from '../output/clean-text.ts';
import {
  nameOf,
  type PreparedPlan,
  preparePlan,
  type ReadFile,
  readFileOfConnections,
  readText,
} from './prepare-plan.ts';
import { planLines } from './print-plan.ts';

export interface ApplyOptions {
  file?: string;
  prune?: boolean;
}

/** A step of a reviewed plan is never planned anew. */
interface Work extends PreparedPlan, ReadFile {
  isReviewed: boolean;
}

export async function apply(
  context: CommandContext,
  planFile: string | undefined,
  options: ApplyOptions,
  defaultFile: string,
): Promise<void> {
  const { output, prompts } = context;
  const work =
    planFile === undefined
      ? await prepareFile(context, options.file ?? defaultFile, options)
      : await prepareSaved(context, planFile, options);
  const { plan, file } = work;
  const isData = output.format === 'people';
  const print = isData ? (line: string) => output.raw(`${line}\n`) : output.say;
  for (const line of planLines(plan, isData ? output.dataStyle : output.style)) print(line);
  if (plan.steps.length > 0) await prompts.confirmName(nameOf(file), `Apply this plan? Type ${nameOf(file)}`);
  report(context, await carryOut(context, work), plan.unchanged);
}

async function prepareFile(context: CommandContext, file: string, { prune = false }: ApplyOptions): Promise<Work> {
  const read = readFileOfConnections(context, file);
  return { ...read, ...(await preparePlan(context, read, { prune })), isReviewed: false };
}

/** Plans again and compares: the saved plan is applied only if nothing has moved since. */
async function prepareSaved(context: CommandContext, planFile: string, options: ApplyOptions): Promise<Work> {
  const saved = parseSavedPlan(readText(context, planFile));
  if (saved === undefined) {
    const next = `A file of connections is given with -f: token-broker apply -f ${planFile}`;
    throw new CommandFailure(`${planFile} is no plan.`, exitCodes.usage, next);
  }
  if (options.prune === true) throw new CommandFailure('--prune is part of the plan.', exitCodes.usage);
  requireSameScope(context, saved);
  const read = readFileOfConnections(context, options.file ?? saved.file);
  if (nameOf(read.file) !== saved.managed_by || read.digest !== saved.file_sha256) {
    throw movedPlan(planFile, `${read.file} is not the file that was planned.`);
  }
  const prepared = await preparePlan(context, read, { prune: saved.prune });
  const moved = movedSince(saved, prepared.plan);
  if (moved.length > 0) throw movedPlan(planFile, `Changed since the plan: ${moved.join(', ')}.`);
  return { ...read, ...prepared, isReviewed: true };
}

function requireSameScope(context: CommandContext, { broker, organization }: SavedPlan): void {
  const { url, organization: own = null } = context.settings();
  if (url === broker && own === organization) return;
  const scope = (address: string, id: string | null) => `${address}, ${id ?? 'global scope'}`;
  const message = `The plan is for ${scope(broker, organization)}, and not for ${scope(url, own)}.`;
  throw new CommandFailure(`${message} Nothing was changed.`);
}

function movedPlan(planFile: string, why: string): CommandFailure {
  const message = `${planFile} does not hold any more. ${why} Nothing was changed.`;
  return new CommandFailure(message, exitCodes.failure, `Plan again: token-broker plan --out ${planFile}`);
}

/** An error in the middle ends the work. The steps that are done stay, and the next application goes on after them. */
async function carryOut(context: CommandContext, { target, plan, declared, isReviewed }: Work): Promise<StepResult[]> {
  const total = plan.steps.length;
  let done = 0;
  try {
    return await context.prompts.progress('Applying', (update) =>
      applyPlan(target, plan, declared, {
        plansAnew: !isReviewed,
        onResult: () => {
          done += 1;
          update(`Applying: ${done} of ${total}`);
        },
      }),
    );
  } catch (error) {
    context.output.warn(`Interrupted after ${done} of ${total} steps. Repeat the command to go on.`);
    throw error;
  }
}

function report(context: CommandContext, results: readonly StepResult[], unchanged: number): void {
  const { output } = context;
  const failed = results.flatMap((result) => (result.outcome === 'failed' ? [result] : []));
  const count = (action: StepResult['action']) =>
    results.filter((result) => result.action === action && result.outcome === 'done').length;
  const summary = {
    created: count('create'),
    changed: count('change'),
    deleted: count('delete'),
    unchanged: unchanged + results.filter(({ outcome }) => outcome === 'unchanged').length,
    failed: failed.length,
  };
  if (output.format === 'json') output.raw(`${JSON.stringify({ results, summary }, null, 2)}\n`);
  else if (output.format === 'ndjson') for (const result of results) output.item(result, '');
  else
    output.raw(
      `Done: ${Object.entries(summary)
        .map(([name, number]) => `${number} ${name}`)
        .join(', ')}\n`,
    );
  for (const { connection_name: name, action, refusal } of failed) {
    output.say(`${name}: ${action} failed: ${cleanText(refusal.message)} (${refusal.code})`);
  }
  if (failed.length === 0) return;
  const next = 'Plan again to see what is left: token-broker plan';
  throw new CommandFailure(`${failed.length} of ${results.length} steps failed.`, exitCodes.failure, next);
}
