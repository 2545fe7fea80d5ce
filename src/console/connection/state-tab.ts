import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { copyable, curlOf } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import type { Tone } from '../layout/status.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Why } from '../reasons/why.ts';
import { nextStep, otherActs } from './next-step.ts';
import type { Shown } from './shown.ts';

/** The first tab: why the connection is in its state, what comes next, and its dates. */
export function stateTab(shown: Shown): Markup {
  const { visit, place, why } = shown;
  return html`<section class="panel ${toneOf(why)}"><h2>Why, and what next</h2>
<p class="lead">${why.title}</p>
<p>${why.cause}</p>
${nextStep(shown)}
<p class="soft">${why.callersGet.text} <a href="${visit.href(connectionPage(place, 'why'))}">Evidence, and who waits</a></p>
</section>
${otherActs(shown)}
${warningsPanel(shown)}
${datesPanel(shown)}
${curlPanel(shown)}`;
}

/** Tone of a state. The words beside it say the same. */
export function toneOf({ key, callersGet }: Pick<Why, 'key' | 'callersGet'>): Tone {
  if (key === 'never_connected') return 'quiet';
  if (key === 'waiting_callback' || key === 'testing') return 'warn';
  if (callersGet.kind === 'refusal') return 'bad';
  return key === 'healthy' ? 'good' : 'warn';
}

/** A time that the broker plans. One that has passed waits for the next sweep. */
export function dueAt(at: Date | null, now: Date): Markup {
  return at !== null && at <= now ? html`now, with the next sweep` : whenExactly(at, now, 'none planned');
}

function warningsPanel({ view }: Shown): Markup | null {
  if (view.warnings.length === 0) return null;
  return html`<section class="panel warn"><h2>Warnings</h2><ul class="plain-list">${view.warnings.map(
    ({ code, message }) => html`<li>${message} <code class="soft">${code}</code></li>`,
  )}</ul></section>`;
}

function datesPanel({ view, visit }: Shown): Markup | null {
  const { served } = view;
  if (served === null) return null;
  const at = (time: Date | null, none: string) => whenExactly(time, visit.now, none);
  const account = served.accountName ?? served.accountId;
  return html`<section class="panel"><h2>The grant that serves callers</h2>${pairs([
    ['Account', account === null ? html`<span class="soft">not known</span>` : isolated(account)],
    ['Access token ends', at(served.metadata?.expiresAt ?? null, 'not known')],
    ['Next refresh', dueAt(view.nextRefreshAt, visit.now)],
    ['Last refresh', at(served.lastRefreshAt, 'never')],
    ['Refresh token ends', at(served.metadata?.refreshExpiresAt ?? null, 'no known end')],
    ['Last test', at(served.lastTestAt, 'never')],
    ['Scopes', served.metadata === null ? null : isolated(served.metadata.scopes.join(' ') || 'none')],
  ])}</section>`;
}

function curlPanel({ visit, place, view }: Shown): Markup {
  const { name, organizationId } = place;
  const { flow } = view.connection.settings;
  const command = (method: 'GET' | 'POST', path: string) =>
    copyable(curlOf({ method, baseUrl: visit.baseUrl, path, organizationId }));
  return html`<details class="curl"><summary>The same with curl</summary>
<p>Read the state:</p>${command('GET', `/connections/${name}`)}
${flow === 'authorization_code' ? html`<p>Connect:</p>${command('POST', `/connections/${name}/authorize`)}` : null}
<p>Test:</p>${command('POST', `/connections/${name}/test`)}
<p>Refresh:</p>${command('POST', `/connections/${name}/refresh`)}
</details>`;
}
