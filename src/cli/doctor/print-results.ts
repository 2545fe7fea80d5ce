import type { CheckResult, CheckState } from '../../doctor/check.ts';
import type { Column } from '../output/columns.ts';
import type { Output } from '../output/output.ts';
import type { Format } from '../output/style.ts';

interface Row {
  state: CheckState | '';
  name: string;
  text: string;
}

const formats: Readonly<Record<CheckState, Format>> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };
/** In place of the dash that a table shows for an empty cell. */
const blank = ' ';

const columns: readonly Column<Row>[] = [
  {
    title: 'STATE',
    text: ({ state }) => state || blank,
    format: ({ state }) => (state === '' ? undefined : formats[state]),
  },
  { title: 'CHECK', text: ({ name }) => name || blank },
  { title: 'FOUND, AND WHAT TO DO', text: ({ text }) => text },
];

/** Prints a line a check, and below it what to do. For programs: one document, or a JSON line a check. */
export async function printResults(output: Output, url: string, results: readonly CheckResult[]): Promise<void> {
  const count = (wanted: CheckState) => results.filter(({ state }) => state === wanted).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  if (output.format !== 'people') {
    return output.list({ name: 'checks', items: results, columns: [], members: { url, failed, warnings } });
  }
  await output.list({ name: 'checks', items: results.flatMap(rowsOf), columns });
  output.say(failed + warnings === 0 ? 'Nothing is wrong.' : `${failed} failed, ${warnings} to look at.`);
}

function rowsOf({ state, name, found, next }: CheckResult): Row[] {
  const row = { state, name, text: found };
  return next === null ? [row] : [row, { state: '', name: '', text: `→ ${next}` }];
}
