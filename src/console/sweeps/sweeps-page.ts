import type { InstallationAttention } from '../../broker/administration/overview/read-attention.ts';
import type { QueueState } from '../../broker/administration/overview/read-queue.ts';
import type { HealthStats } from '../../broker/administration/read-health-stats.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { SweepStatus } from '../../domain/ports/maintenance/sweeps.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act, copyable, curlOf } from '../layout/acts.ts';
import { live } from '../layout/live.ts';
import { doneNotice, notice } from '../layout/notices.ts';
import type { Visit } from '../server/visit.ts';
import { circuitsPanel } from './circuits-panel.ts';
import { healthPanel, sweepPanel } from './progress.ts';
import { queuePanel } from './queue-panel.ts';
import { sweepTable } from './sweep-table.ts';

export interface BackgroundWork {
  /** Newest first. */
  sweeps: readonly SweepStatus[];
  health: HealthStats;
  queue: QueueState;
  /** Never null for a caller that reaches the whole installation. */
  installation: InstallationAttention | null;
}

const done = {
  sweep_queued: 'A sweep is queued. It begins as soon as a worker is free.',
  sweep_running: 'A sweep runs already, so no other was queued.',
  check_requested: 'The health check of all grants is requested. A worker runs it in the background.',
};

export function sweepsPage(visit: Visit, work: BackgroundWork, doneCode: string | undefined): Markup {
  const { href, nonce, now } = visit;
  const { sweeps, health, queue, installation } = work;
  const isOff = installation !== null && installation.background === null;
  return html`<div class="title"><h1>Sweeps and queue</h1>${isOff ? null : acts(visit)}</div>
${doneNotice(done, doneCode)}
${isOff ? notice('quiet', 'REFRESH_MODE is off: this installation has no workers, sweeps or health checks.') : null}
${live({
  id: 'work',
  href: href('/console/sweeps'),
  nonce,
  body: html`<div class="panels thirds short-pairs">
${sweepPanel(sweeps[0] ?? null, now)}
${healthPanel(health, now)}
${queuePanel(queue, installation, now)}
</div>
${circuitsPanel(installation, now)}
<section aria-labelledby="sweeps"><h2 id="sweeps">Last sweeps</h2>
${sweepTable(sweeps, now)}
</section>`,
})}
${isOff || !visit.may(accessOf.requestSweep) ? null : curls(visit)}`;
}

function acts({ href, csrfField, may }: Visit): Markup {
  return html`<div class="acts">${
    may(accessOf.requestHealthRun)
      ? act({ action: href('/console/sweeps/check-all'), label: 'Check all grants', csrfField })
      : null
  }${
    may(accessOf.requestSweep)
      ? act({ action: href('/console/sweeps/run'), label: 'Run a sweep now', csrfField, tone: 'main' })
      : null
  }</div>`;
}

function curls({ baseUrl }: Visit): Markup {
  const call = (words: string, path: string) =>
    html`<p>${words}</p>${copyable(curlOf({ method: 'POST', baseUrl, path }))}`;
  return html`<details class="curl"><summary>The same with curl</summary>
${call('Run a sweep now:', '/admin/refresh/expiring')}
${call('Check all grants:', '/admin/health/check-all')}
</details>`;
}
