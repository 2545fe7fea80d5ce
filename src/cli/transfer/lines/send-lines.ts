import type { Api } from '../../api.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { createPull, type Pull } from './pull.ts';
import type { LineResult, SourceLine } from './source-line.ts';

export interface ImportOptions {
  dryRun: boolean;
  verify: boolean;
  replace: boolean;
}

type Batch = readonly SourceLine[];

/**
 * Milliseconds without a line after which a request ends; the next line begins another. A source waits for minutes if it is
 * rate limited. The broker ends an import after 30 seconds without a line, and proxies end a response that is silent.
 */
const idleMs = 10_000;
/** Sent instead of a line that is refused here, so that each line has its result in the order of the file. */
const placeholder = '"refused"';
const repeatable = 'Run the same command again: lines that are stored are then unchanged.';

/** Sends lines to POST /admin/import and yields their results. Throws if an import ends early. */
export async function* sendLines(
  api: Api,
  source: AsyncIterable<Batch>,
  options: ImportOptions,
  silenceMs = idleMs,
): AsyncGenerator<LineResult> {
  const pull = createPull(source);
  try {
    for (let first = await pull.next(); first.done !== true; first = await pull.next()) {
      yield* sendOnce(api, first.value, pull, options, silenceMs);
    }
  } finally {
    pull.end();
  }
}

/**
 * Makes one request. Reads the response while it sends: the broker stops reading when its results are not read, so no more
 * lines are in memory than are under way.
 */
async function* sendOnce(
  api: Api,
  first: Batch,
  pull: Pull<Batch>,
  { dryRun, verify, replace }: ImportOptions,
  silenceMs: number,
): AsyncGenerator<LineResult> {
  /** Lines without a result, in the order of the request. */
  const waiting: SourceLine[] = [];
  let failure: unknown;

  async function* body(): AsyncGenerator<string> {
    try {
      for (let batch: Batch | undefined = first; batch !== undefined; batch = await nextOf(pull, silenceMs)) {
        waiting.push(...batch);
        if (batch.length > 0) yield batch.map(textOf).join('');
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
    if (next === undefined) throw new CommandFailure('The broker returned a result that belongs to no line.');
    yield resultOf(next, result);
  }
  if (failure !== undefined) throw failure;
  if (!isDone) throw cutOff();
}

async function nextOf(pull: Pull<Batch>, silenceMs: number): Promise<Batch | undefined> {
  const next = await pull.nextWithin(silenceMs);
  return next?.done === true ? undefined : next?.value;
}

type Answer = Partial<LineResult> & { done?: boolean; error?: { code?: string; detail?: string } };

function resultOf({ line, from, content }: SourceLine, answer: Omit<Answer, 'line'>): LineResult {
  const { action = 'failed', code = null, errors = [], grant_id = null } = answer;
  const local = typeof content === 'string' ? undefined : content;
  return { line, ...(from !== undefined && { from }), action, code, errors, grant_id, ...local };
}

const textOf = ({ content }: SourceLine) => `${typeof content === 'string' ? content : placeholder}\n`;

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
