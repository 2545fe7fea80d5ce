import type { InstallationAttention } from '../../broker/administration/overview/read-attention.ts';
import type { QueueState } from '../../broker/administration/overview/read-queue.ts';
import type { QueueReadings } from '../../domain/ports/monitoring/readings.ts';
import { html, type Markup } from '../../markup/html.ts';
import { counted, numberText } from '../layout/numbers.ts';
import { badge } from '../layout/status.ts';
import { pairs } from '../layout/table.ts';
import { when } from '../layout/time.ts';

const names: Readonly<Record<QueueReadings['queue'], string>> = {
  periodic: 'Periodic work',
  batches: 'Refreshes',
};

/** Shows the jobs of the queue, and who works on them. */
export function queuePanel(
  { isUp, queues }: QueueState,
  installation: InstallationAttention | null,
  now: Date,
): Markup {
  return html`<section class="panel${isUp ? null : ' bad'}" aria-labelledby="queue"><h2 id="queue">Queue and workers</h2>
<p>${isUp ? badge('good', 'The queue works') : badge('bad', 'The queue does not work')}</p>
${queues === null ? null : queueTable(queues)}
${installation === null ? null : workersOf(installation, now)}
</section>`;
}

function queueTable(queues: readonly QueueReadings[]): Markup {
  return html`<table class="numbers"><caption class="hidden">Jobs in the queue</caption>
<thead><tr><th scope="col">Jobs</th><th scope="col">Ready</th><th scope="col">Delayed</th><th scope="col">Running</th></tr></thead>
<tbody>${queues.map(
    ({ queue, jobs }) =>
      html`<tr><th scope="row">${names[queue]}</th><td>${numberText(jobs.ready)}</td><td>${numberText(jobs.delayed)}</td><td>${numberText(jobs.running)}</td></tr>\n`,
  )}</tbody></table>`;
}

function workersOf({ background, backlog, isListenerUp }: InstallationAttention, now: Date): Markup {
  return pairs([
    ...(background === null
      ? []
      : ([
          ['Live workers', background.workers === 0 ? badge('bad', 'none') : numberText(background.workers)],
          ['Last end of a sweep', when(background.lastSweepAt, now)],
        ] as const)),
    ...(backlog === null
      ? []
      : ([['Due now', counted({ count: backlog.due, isComplete: backlog.due < 10_000 }, 'grant')]] as const)),
    ['Notifications', isListenerUp ? 'arrive' : 'do not arrive: each fetch reads the database'],
  ]);
}
