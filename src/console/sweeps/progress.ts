import type { HealthStats } from '../../broker/administration/read-health-stats.ts';
import type { HealthRun } from '../../domain/ports/maintenance/health-runs.ts';
import type { SweepStatus } from '../../domain/ports/maintenance/sweeps.ts';
import { html, type Markup } from '../../markup/html.ts';
import { numberText } from '../layout/numbers.ts';
import { badge } from '../layout/status.ts';
import { pairs } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import { refreshed, stateOf } from './sweep-state.ts';

/** Shows the sweep that began last, with how far its refreshes are. */
export function sweepPanel(sweep: SweepStatus | null, now: Date): Markup {
  if (sweep === null) return panel('sweep', 'Sweep', html`<p class="quiet-line">No sweep has begun yet.</p>`);
  const { tone, word, isUnderWay } = stateOf(sweep, true);
  return panel(
    'sweep',
    'Sweep',
    html`<p>${badge(tone, word)} It began ${when(sweep.startedAt, now)}.</p>
${isUnderWay ? progress({ label: 'Refreshes of the sweep', value: refreshed(sweep), of: sweep.enqueued }) : null}
${pairs([
  ['Found', numberText(sweep.found)],
  ['Refreshed', numberText(sweep.refreshed)],
  ['Failed', numberText(sweep.failed)],
  ['Skipped', numberText(sweep.skipped)],
])}`,
  );
}

/** Shows the health of all grants, with the check that was requested last. */
export function healthPanel({ healthy, unhealthy, unchecked, lastRun }: HealthStats, now: Date): Markup {
  return panel(
    'health',
    'Health check of all grants',
    html`${lastRun === null ? html`<p class="quiet-line">No check of all grants was requested yet.</p>` : runPart(lastRun, now)}
${pairs([
  ['Healthy', numberText(healthy)],
  ['Unhealthy', numberText(unhealthy)],
  ['Not checked', numberText(unchecked)],
])}`,
  );
}

function runPart(run: HealthRun, now: Date): Markup {
  const { requestedAt, startedAt, finishedAt, isRunning, total, healthy, unhealthy, skipped } = run;
  const label = 'Checked grants';
  if (finishedAt !== null)
    return html`<p>${badge('good', 'Ended')} The last check ended ${when(finishedAt, now)}: ${numberText(unhealthy)} of ${numberText(healthy + unhealthy + skipped)} unhealthy.</p>`;
  if (startedAt === null || !isRunning)
    return html`<p>${badge('warn', 'Waits for a worker')} It was requested ${when(requestedAt, now)}.</p>`;
  return html`<p>${badge('warn', 'Running')} It began ${when(startedAt, now)}.</p>
${total === null ? null : progress({ label, value: healthy + unhealthy + skipped, of: total })}`;
}

function progress({ label, value, of }: { label: string; value: number; of: number }): Markup {
  const done = Math.min(value, of);
  return html`<p class="progress"><progress max="${Math.max(1, of)}" value="${done}" aria-label="${label}"></progress> <span>${numberText(done)} of ${numberText(of)}</span></p>`;
}

function panel(id: string, title: string, body: Markup): Markup {
  return html`<section class="panel" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}
</section>`;
}
