import { createReadStream } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { CommandContext } from '../context.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { importGrants } from './import-grants.ts';
import { createImportReport } from './import-report.ts';
import { readLines } from './lines/read-lines.ts';
import type { ImportOptions } from './lines/send-lines.ts';
import type { SourceLine } from './lines/source-line.ts';

export interface FileOptions extends ImportOptions {
  /** File with the private key that opens sealed lines. */
  identity?: string | undefined;
}

/** Imports a file of lines; `-` reads standard input. */
export async function importFile(context: CommandContext, file: string, options: FileOptions): Promise<void> {
  const open = options.identity === undefined ? undefined : await readIdentity(context, options.identity);
  const lines = readLines(openFile(context, file));
  const source = open === undefined ? lines : openSealed(lines, open);
  const report = createImportReport(context.output, options.dryRun);
  try {
    await importGrants(context, await context.api(), source, options, report);
  } finally {
    // After a failure more input may never come, and waiting for it would keep the process alive.
    if (file === '-') context.stdin.destroy();
  }
}

type OpenLine = (line: SourceLine) => Promise<SourceLine>;

async function* openSealed(batches: AsyncIterable<readonly SourceLine[]>, open: OpenLine) {
  for await (const lines of batches) yield await Promise.all(lines.map(open));
}

async function readIdentity(context: CommandContext, file: string): Promise<OpenLine> {
  const { createOpenLine } = await import('./sealing/open-line.ts');
  return createOpenLine(await readText(context, file));
}

export async function* openFile({ stdin, directory }: CommandContext, file: string): AsyncGenerator<Buffer> {
  try {
    yield* file === '-' ? stdin : createReadStream(pathOf(directory, file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Reads a whole small file, such as a key. */
export async function readText(context: CommandContext, file: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of openFile(context, file)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

const pathOf = (directory: string, file: string) => (isAbsolute(file) ? file : join(directory, file));

function unreadable(file: string, error: unknown): CommandFailure {
  const { code = 'unknown reason' } = Object(error) as { code?: string };
  return new CommandFailure(`${file} cannot be read (${code}).`, exitCodes.usage);
}
