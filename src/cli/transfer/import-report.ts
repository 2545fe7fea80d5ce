import type { Output } from '../output/output.ts';
import { actions, type LineResult } from './lines/source-line.ts';

/** Something of another system that becomes nothing here. */
export interface Unmapped {
  /** Name in the other system. */
  from: string;
  reason: string;
  /** Whether a grant is missing now that the broker could hold. */
  isFailure: boolean;
}

/** Kept for the summary. A million failed lines must not fill the memory; --ndjson prints each of them. */
const maxKept = 1000;
/** Failures that a person is shown. */
const maxShown = 20;

export interface ImportReport {
  add(result: LineResult): void;
  addUnmapped(unmapped: Unmapped): void;
  /** Adds something that a person must do afterwards. Said once. */
  addStep(step: string): void;
  readonly lines: number;
  /** Whether a line failed or was stored with a fault, or a grant of the other system is missing. */
  readonly isFailed: boolean;
  /** Prints the summary. `isDone`: whether the import reached its end. */
  print(isDone: boolean): void;
}

/** Counts results. With --ndjson each result is printed as it comes. */
export function createImportReport(output: Output, isDryRun: boolean): ImportReport {
  const counts = { created: 0, replaced: 0, unchanged: 0, failed: 0 };
  const faulty: LineResult[] = [];
  const unmapped: Unmapped[] = [];
  const steps = new Set<string>();
  let lines = 0;
  let faults = 0;
  let missing = 0;

  const report: ImportReport = {
    add(result) {
      lines++;
      counts[result.action]++;
      if (output.format === 'ndjson') output.item(result, '');
      if (result.code === null) return;
      faults++;
      if (faulty.length < maxKept) faulty.push(result);
    },
    addUnmapped(found) {
      if (found.isFailure) missing++;
      if (output.format === 'ndjson') output.item({ unmapped: found.from, reason: found.reason }, '');
      if (unmapped.length < maxKept) unmapped.push(found);
    },
    addStep: (step) => void steps.add(step),
    get lines() {
      return lines;
    },
    get isFailed() {
      return faults > 0 || missing > 0;
    },
    print(isDone) {
      const summary = { done: isDone, dry_run: isDryRun, lines, ...counts };
      if (output.format === 'ndjson') return output.item(summary, '');
      if (output.format === 'json') {
        const lists = { faults: faulty, unmapped: unmapped.map(({ from, reason }) => ({ from, reason })) };
        return output.raw(`${JSON.stringify({ ...summary, ...lists, next: [...steps] }, null, 2)}\n`);
      }
      list(faulty.map(faultText), faults);
      list(
        unmapped.map(({ from, reason }) => `${from}: ${reason}`),
        unmapped.length,
      );
      output.item(summary, sentenceOf(summary));
      for (const step of [...steps].slice(0, maxShown)) output.say(step);
      if (steps.size > maxShown) output.say(`and ${steps.size - maxShown} more; --json lists all`);
    },
  };
  return report;

  function list(texts: readonly string[], count: number): void {
    for (const text of texts.slice(0, maxShown)) output.warn(text);
    if (count > maxShown) output.warn(`and ${count - maxShown} more; --ndjson prints all`);
  }
}

function sentenceOf({
  dry_run,
  lines,
  ...counts
}: Record<(typeof actions)[number] | 'lines', number> & { dry_run: boolean }): string {
  const parts = actions.map((action) => `${counts[action]} ${action}`).join(', ');
  return `${dry_run ? 'Dry run, nothing was stored. ' : ''}${lines} ${lines === 1 ? 'line' : 'lines'}: ${parts}.`;
}

function faultText({ line, from, action, code, errors }: LineResult): string {
  const place = from ?? `line ${line}`;
  const stored = action === 'failed' ? '' : ` (${action} all the same)`;
  return [`${place}: ${code}${stored}`, ...errors.map(({ path, message }) => `${path}: ${message}`)].join('; ');
}
