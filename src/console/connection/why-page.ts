import { connectionPage } from '../../domain/console/console-pages.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Why } from '../reasons/why.ts';
import type { PageAnswer } from '../server/page-route.ts';
import { workflowLink } from './dependants-tab.ts';
import { connectionAnswer } from './frame-of-connection.ts';
import { nextStep } from './next-step.ts';
import type { Shown } from './shown.ts';
import { dueAt, toneOf } from './state-tab.ts';

export interface Waiting {
  items: readonly Dependency[];
  hasMore: boolean;
}

/** "Why not ready": everything that is known about the present state. */
export function whyPage(shown: Shown, waiting: Waiting): PageAnswer {
  const { visit, place, why } = shown;
  const { name, organizationId } = place;
  return connectionAnswer({
    shown,
    tab: null,
    title: `Why: ${name}`,
    follows: 'why',
    isLive: true,
    body: html`<section class="panel ${toneOf(why)}"><h2>${why.title}</h2>
<p>${why.cause}</p>
${nextStep(shown)}</section>
<div class="panels">
${evidencePanel(shown)}
${callersPanel(why, shown, waiting)}
</div>
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path: `/credentials/${name}/explain`, organizationId })}`,
  });
}

function evidencePanel({ why, visit }: Shown): Markup {
  const { evidence, key } = why;
  const at = (time: Date | null) => (time === null ? null : whenExactly(time, visit.now));
  const code = (text: string | null) => (text === null ? null : html`<code>${text}</code>`);
  const facts: [string, Markup | string | number | null][] = [
    ['Reason', code(key)],
    ['Since', at(evidence.since)],
    ['Failures in a row', evidence.attempts],
    ['Code of the provider', code(evidence.code)],
    // The provider wrote it, so it stands between quotation marks.
    ['Words of the provider', evidence.description === null ? null : html`<q>${isolated(evidence.description)}</q>`],
    ['HTTP status', evidence.httpStatus],
    ['Kind of failure', code(evidence.class)],
    ['Last failure', at(evidence.failedAt)],
    ['Next try', dueAt(evidence.nextTryAt, visit.now)],
    ['Message', evidence.message === null ? null : isolated(evidence.message)],
  ];
  const isTold = ([label, value]: (typeof facts)[number]) => value !== null || label === 'Next try';
  return html`<section class="panel"><h2>Evidence</h2>${pairs(facts.filter(isTold))}</section>`;
}

function callersPanel({ callersGet }: Why, shown: Shown, { items, hasMore }: Waiting): Markup {
  const { visit, place } = shown;
  const isServed = callersGet.kind === 'token';
  const heading = isServed ? 'Workflows that use it' : 'Workflows that wait';
  return html`<section class="panel"><h2>Callers</h2><p>${callersGet.text}</p>
<h3>${heading}</h3>
${
  items.length === 0
    ? html`<p class="soft">No workflow depends on this connection.</p>`
    : html`<ul class="plain-list">${items.map((dependency) => html`<li>${workflowLink(shown, dependency)}</li>`)}</ul>`
}
${hasMore ? html`<p><a href="${visit.href(connectionPage(place, 'dependants'))}">All dependants</a></p>` : null}</section>`;
}
