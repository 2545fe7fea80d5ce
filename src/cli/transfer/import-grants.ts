import type { Api } from '../api.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ImportReport } from './import-report.ts';
import { type ImportOptions, sendLines } from './lines/send-lines.ts';
import type { SourceLine } from './lines/source-line.ts';

/** Results between two updates of the words on a terminal. */
const resultsPerUpdate = 100;

/**
 * Sends lines to the broker and prints what became of them, also if the import ends early. Sets the exit code 1 if a line
 * failed.
 */
export async function importGrants(
  context: CommandContext,
  api: Api,
  source: AsyncIterable<readonly SourceLine[]>,
  options: ImportOptions,
  report: ImportReport,
): Promise<void> {
  let isDone = false;
  try {
    await context.prompts.progress('importing', async (update) => {
      for await (const result of sendLines(api, source, options)) {
        report.add(result);
        if (report.lines % resultsPerUpdate === 0) update(`importing: ${report.lines} lines`);
      }
    });
    isDone = true;
  } finally {
    report.print(isDone);
  }
  if (report.isFailed) context.exitCode = exitCodes.failure;
}
