import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export type Unit = 'req/s' | 'ms' | 's' | 'MiB' | 'ratio' | 'µs/req';

/** One line of the table. */
export interface Figure {
  what: string;
  value: number;
  unit: Unit;
  /** Measurement of the bare implementation in the same run. */
  baseline?: number;
  /** Median ratio of the rounds; more precise than value / baseline. */
  ratio?: number;
  /** Applies to the ratio if there is one and the target does not say otherwise, and to the value if not. */
  target?: { atLeast: number } | { below: number; of?: 'value' };
  /** Written to the JSON only. */
  details?: unknown;
}

export interface ScenarioResult {
  scenario: string;
  figures: Figure[];
}

/** Returns undefined if there is no target. */
function isMet(figure: Figure): boolean | undefined {
  const { value, ratio, target } = figure;
  if (target === undefined) return undefined;
  const judged = judgesRatio(figure) ? (ratio ?? value) : value;
  return 'atLeast' in target ? judged >= target.atLeast : judged < target.below;
}

function judgesRatio({ ratio, target = { below: 0 } }: Pick<Figure, 'ratio' | 'target'>): boolean {
  return ratio !== undefined && !('of' in target);
}

export function formatTable(results: readonly ScenarioResult[]): string {
  const head = ['', 'measured', 'baseline', 'ratio', 'target', ''];
  const sections = results.map(({ scenario, figures }) => [[scenario], ...figures.map(toCells)]);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...sections.flat().map((cells) => (cells.length === 1 ? 0 : (cells[i] ?? '').length))),
  );
  const line = (cells: readonly string[]) =>
    cells.length === 1
      ? `\n${cells[0]}`
      : cells
          .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
          .join('  ')
          .trimEnd();
  return [head, ...sections.flat()].map(line).join('\n');
}

function toCells(figure: Figure): string[] {
  const { what, value, unit, baseline, ratio, target } = figure;
  const bound = judgesRatio(figure) ? percent : (number: number) => format(number, unit);
  const met = isMet(figure);
  return [
    `  ${what}`,
    format(value, unit),
    baseline === undefined ? '' : format(baseline, unit),
    ratio === undefined ? '' : percent(ratio),
    target === undefined ? '' : 'atLeast' in target ? `≥ ${bound(target.atLeast)}` : `< ${bound(target.below)}`,
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ];
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

function format(value: number, unit: Unit): string {
  if (unit === 'ratio') return percent(value);
  const digits = unit === 's' ? 2 : value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

/** Returns the path of the file. */
export function writeResults(results: readonly ScenarioResult[], run: { mode: string; busyBefore: number }): string {
  const folder = join(import.meta.dirname, '../results');
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = join(folder, `${at.replaceAll(':', '-')}.json`);
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
  };
  const judged = results.map(({ scenario, figures }) => ({
    scenario,
    figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
  }));
  writeFileSync(file, `${JSON.stringify({ at, ...run, machine, results: judged }, null, 2)}\n`);
  return file;
}
