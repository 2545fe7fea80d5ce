import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Plan, planConnections } from '../../connections-file/plan-connections.ts';
import {
  type DeclaredConnection,
  type FileFault,
  readConnectionsFile,
} from '../../connections-file/read-connections-file.ts';
import type { SavedPlan } from '../../connections-file/saved-plan.ts';
import type { ConnectionsTarget } from '../../connections-file/target.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { cleanText } from '../output/clean-text.ts';
import { createHttpTarget } from './http-target.ts';
import { createSourcesOf } from './secret-sources.ts';

/** Dry runs at a time: they hide the way to the broker and leave most of its database connections to others. */
const concurrency = 4;

/** A file of connections as it was read. */
export interface ReadFile {
  /** Path as the command named it. */
  file: string;
  /** SHA-256 in hex. */
  digest: string;
  declared: readonly DeclaredConnection[];
}

export interface PreparedPlan {
  target: ConnectionsTarget;
  plan: Plan;
}

/** Reads a file and its secrets. Prints every fault and throws CommandFailure. */
export function readFileOfConnections(context: CommandContext, file: string): ReadFile {
  const text = readText(context, file);
  // The API reports the faults of fields: its dry runs know every rule.
  const { connections, faults } = readConnectionsFile(text, createSourcesOf(context), () => []);
  if (faults.length > 0) throw faultyFile(context, file, faults);
  return { file, digest: createHash('sha256').update(text).digest('hex'), declared: connections };
}

/** Plans the way to a file by dry runs. Prints every fault that the API finds and throws CommandFailure. */
export async function preparePlan(
  context: CommandContext,
  { file, declared }: ReadFile,
  { prune }: { prune: boolean },
): Promise<PreparedPlan> {
  const api = await context.api();
  const onWait = (seconds: number) =>
    context.output.warn(`The rate limit of the key is reached. Waiting ${seconds} s.`);
  const target = createHttpTarget({ api, onWait });
  const { plan, faults } = await context.prompts.progress(`Planning ${file}`, (update) =>
    planConnections(target, declared, {
      managedBy: nameOf(file),
      prune,
      concurrency,
      onPlanned: (planned, total) => update(`Planning ${file}: ${planned} of ${total}`),
    }),
  );
  if (faults.length > 0) throw faultyFile(context, file, faults);
  return { target, plan };
}

/** Completes a plan with what it was made from. */
export function toSavedPlan(
  context: CommandContext,
  plan: Plan,
  { file, digest }: ReadFile,
  prune: boolean,
): SavedPlan {
  const { url: broker, organization = null } = context.settings();
  return { version: 1, broker, organization, file, file_sha256: digest, prune, ...plan };
}

/** Reads a text that the command names. */
export function readText({ directory }: CommandContext, file: string): string {
  try {
    return readFileSync(resolve(directory, file), 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const next = code === 'ENOENT' ? 'Name the file with -f FILE.' : undefined;
    throw new CommandFailure(`${file} cannot be read (${code}).`, exitCodes.failure, next);
  }
}

/** Name of a file, which its connections carry in managed_by. */
export function nameOf(file: string): string {
  return basename(file);
}

/** Prints the faults as compilers do, so that editors find the place. */
function faultyFile({ output }: CommandContext, file: string, faults: readonly FileFault[]): CommandFailure {
  for (const { line, column, message } of faults) output.say(`${file}:${line}:${column} ${cleanText(message)}`);
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  return new CommandFailure(`${file} has ${count}. Nothing was changed.`);
}
