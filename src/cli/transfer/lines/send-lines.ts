import type { Api } from '../../api.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { keepOpen } from './keep-open.ts';
import type { LineResult, SourceLine } from './source-line.ts';

export interface ImportOptions {
  dryRun: boolean;
  verify: boolean;
  replace: boolean;
}

/** Milliseconds of silence after which a blank line is sent. The broker ends an import after 30 seconds of it. */
const silenceMs = 10_000;
/** Sent instead of a line that is refused here, so that each line has its result in the order of the file. */
const placeholder = '"refused"';
const repeatable = 'Run the same command again: lines that are stored are then unchanged.';

/**
 * Sends lines to POST /admin/import and yields their results. Reads the response while it sends: the broker stops reading
 * when its results are not read, so no more lines are in memory than are under way. Throws if the import ends early.
 */
export async function* sendLines(
  api: Api,
  source: AsyncIterable<readonly SourceLine[]>,
  { dryRun, verify, replace }: ImportOptions,
  intervalMs = silenceMs,
): AsyncGenerator<LineResult> {
  /** Lines without a result, in order, with their number in the request. */
  const waiting: { sent: number; source: SourceLine }[] = [];
  let failure: unknown;

  async function* body(): AsyncGenerator<string> {
    let sent = 0;
    try {
      for await (const lines of keepOpen(source, intervalMs)) {
        if (lines === undefined) sent++;
        else for (const each of lines) waiting.push({ sent: ++sent, source: each });
        yield textOf(lines ?? []);
      }
    } catch (error) {
      // The request ends here in order, so that the broker tells the results of the lines before.
      failure = error;
    }
  }

  const query = { dry_run: dryRun, verify, replace };
  const answers = api.lines({ method: 'POST', path: '/admin/import', query, body: body() });
  let isDone = false;
  for await (const answer of endAsFailure(answers)) {
    const { line, done, error, ...result } = Object(answer) as Answer;
    if (error !== undefined) throw endedEarly(error);
    isDone = done === true;
    if (line === undefined) continue;
    const next = waiting.shift();
    if (next?.sent !== line) throw new CommandFailure('The broker returned results that belong to no line.');
    yield resultOf(next.source, result);
  }
  if (failure !== undefined) throw failure;
  if (!isDone) throw cutOff();
}

type Answer = Partial<LineResult> & { done?: boolean; error?: { code?: string; detail?: string } };

function resultOf({ line, from, content }: SourceLine, answer: Omit<Answer, 'line'>): LineResult {
  const { action = 'failed', code = null, errors = [], grant_id = null } = answer;
  const local = typeof content === 'string' ? undefined : content;
  return { line, ...(from !== undefined && { from }), action, code, errors, grant_id, ...local };
}

function textOf(lines: readonly SourceLine[]): string {
  if (lines.length === 0) return '\n';
  return lines.map(({ content }) => `${typeof content === 'string' ? content : placeholder}\n`).join('');
}

/** Turns a connection that breaks between two results into words. Problems of the API pass through. */
async function* endAsFailure(answers: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* answers;
  } catch (error) {
    throw error instanceof TypeError || error instanceof SyntaxError ? cutOff() : error;
  }
}

function cutOff(): CommandFailure {
  return new CommandFailure('The connection to the broker ended in the middle.', exitCodes.tryLater, repeatable);
}

function endedEarly({ code, detail }: { code?: string; detail?: string }): CommandFailure {
  const exitCode = code === 'service_unavailable' ? exitCodes.tryLater : exitCodes.failure;
  return new CommandFailure(`The import ended early: ${detail ?? code ?? 'no reason given'}`, exitCode, repeatable);
}
