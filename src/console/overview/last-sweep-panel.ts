import type { Attention } from '../../broker/administration/overview/read-attention.ts';
import type { FleetStatsView } from '../../broker/administration/read-fleet-stats.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { SweepStatus } from '../../domain/ports/maintenance/sweeps.ts';
import { html, type Markup } from '../../markup/html.ts';
import { numberText } from '../layout/numbers.ts';
import { pairs } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';

/** Shows the sweep that began last. Its numbers cover every organisation, so only some callers see them. */
export function lastSweepPanel(
  { href, now, may }: Pick<Visit, 'href' | 'now' | 'may'>,
  { lastSweep, seesSweepCounts }: FleetStatsView,
  { installation }: Attention,
): Markup {
  const isOff = installation !== null && installation.background === null;
  return html`<section class="panel short-pairs" aria-labelledby="last-sweep">
<h2 id="last-sweep">Last sweep</h2>
${isOff ? html`<p>REFRESH_MODE is off: this installation refreshes nothing, and has no sweeps.</p>` : null}${
  lastSweep === null
    ? isOff
      ? null
      : html`<p class="quiet-line">No sweep has begun yet.</p>`
    : pairs([
        ['Began', when(lastSweep.startedAt, now)],
        ['State', sweepState(lastSweep)],
        ...(seesSweepCounts ? numbersOf(lastSweep) : []),
      ])
}
${may(accessOf.listSweeps) ? html`<p><a href="${href('/console/sweeps')}">Sweeps and queue</a></p>` : null}
</section>`;
}

function sweepState({ isRunning, finishedAt, startedAt }: SweepStatus): string {
  if (isRunning) return 'running';
  if (finishedAt === null) return 'broke off';
  return `ended after ${((finishedAt.getTime() - startedAt.getTime()) / 1000).toFixed(1)} s`;
}

function numbersOf({ found, refreshed, failed, skipped }: SweepStatus): [string, string][] {
  return [
    ['Found', numberText(found)],
    ['Refreshed', numberText(refreshed)],
    ['Failed', numberText(failed)],
    ['Skipped', numberText(skipped)],
  ];
}
