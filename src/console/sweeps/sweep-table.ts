import type { SweepStatus } from '../../domain/ports/maintenance/sweeps.ts';
import { html, type Markup } from '../../markup/html.ts';
import { numberText } from '../layout/numbers.ts';
import { badge } from '../layout/status.ts';
import { table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { stateOf } from './sweep-state.ts';

/** Lists the sweeps that began last, newest first. */
export function sweepTable(sweeps: readonly SweepStatus[], now: Date): Markup {
  const columns = [
    { label: 'Began', cell: ({ startedAt }: SweepStatus) => when(startedAt, now) },
    {
      label: 'State',
      cell: (sweep: SweepStatus) => {
        const { tone, word } = stateOf(sweep, sweep === sweeps[0]);
        return badge(tone, word);
      },
    },
    { label: 'Seconds', cell: secondsOf },
    { label: 'Found', cell: ({ found }: SweepStatus) => numberText(found) },
    { label: 'Refreshed', cell: ({ refreshed }: SweepStatus) => numberText(refreshed) },
    { label: 'Failed', cell: ({ failed }: SweepStatus) => numberText(failed) },
    { label: 'Skipped', cell: ({ skipped }: SweepStatus) => numberText(skipped) },
  ];
  return table(columns, sweeps, {
    caption: 'Last sweeps',
    empty: html`<p>No sweep has begun yet. A worker begins one at each interval.</p>`,
  });
}

function secondsOf({ startedAt, finishedAt }: SweepStatus): string {
  return finishedAt === null ? '–' : ((finishedAt.getTime() - startedAt.getTime()) / 1000).toFixed(1);
}
