import type { TestReport } from '../../broker/grants/test-connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { copyable, curlOf } from '../layout/acts.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge, type Tone } from '../layout/status.ts';
import { table } from '../layout/table.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { type ActName, bulkActs, type Outcome, type RowResult } from './bulk-acts.ts';
import { listPath } from './filters.ts';

const titles: Record<ActName, string> = {
  test: 'Test of chosen connections',
  refresh: 'Refresh of chosen connections',
  reconnect: 'Links to reconnect',
};

export function bulkTitle(act: ActName): string {
  return titles[act];
}

/** Shows what an act did, a line for each connection. */
export function bulkResult(visit: Visit, act: ActName, results: readonly RowResult[]): Markup {
  const refused = results.filter(({ outcome }) => outcome.kind === 'refused').length;
  const links = results.flatMap(({ row, outcome }) =>
    outcome.kind === 'link' ? [`${row.name} (${row.organizationId ?? 'global'}): ${outcome.url}`] : [],
  );
  return html`<div class="title"><h1>${titles[act]}</h1><a class="button quiet" href="${visit.href(listPath)}">Back to the connections</a></div>
<p>${results.length - refused} done${refused === 0 ? null : `, ${refused} refused`}.</p>
${links.length === 0 ? null : linkPanel(links)}
${table(
  [
    {
      label: 'Connection',
      cell: ({ row }: RowResult) => html`<a href="${visit.href(connectionPage(row))}">${isolated(row.name)}</a>`,
    },
    { label: 'Organisation', cell: ({ row }) => ownerName(row.organizationId) },
    { label: 'Result', cell: ({ outcome }) => outcomeBadge(outcome) },
    { label: 'Details', cell: ({ outcome }) => outcomeText(outcome, visit.now) },
  ],
  results,
  { caption: titles[act], empty: 'No connection was chosen.' },
)}
<details class="curl"><summary>The same with curl</summary>${copyable(curls(visit, act, results))}</details>`;
}

/** Each link is a right to connect an account, so this page is the only one that shows it. */
function linkPanel(links: readonly string[]): Markup {
  return html`<section class="panel" aria-labelledby="links"><h2 id="links">Links to send</h2>
<p>Send each link to the person whose account it is. It works once, for one day. This page shows the links once.</p>
${copyable(links.join('\n'))}</section>`;
}

function outcomeBadge(outcome: Outcome): Markup {
  switch (outcome.kind) {
    case 'refused':
      return badge('bad', 'Refused');
    case 'tested': {
      const { tone, word } = testWords[outcome.report.testResult];
      return badge(tone, word);
    }
    case 'refreshed':
      return badge('good', 'Refreshed');
    case 'link':
      return badge('good', 'Link made');
  }
}

const testWords: Record<TestReport['testResult'], { tone: Tone; word: string }> = {
  success: { tone: 'good', word: 'Works' },
  failed: { tone: 'bad', word: 'Failed' },
  skipped: { tone: 'quiet', word: 'Not tested' },
};

function outcomeText(outcome: Outcome, now: Date): Markup {
  switch (outcome.kind) {
    case 'refused':
      return html`${isolated(outcome.error.message)}<br><span class="soft">Code <code>${outcome.error.code}</code></span>`;
    case 'tested':
      return html`${isolated(outcome.report.message)} <span class="soft">${Math.round(outcome.report.responseTimeMs)} ms</span>`;
    case 'refreshed':
      return html`Access token ends ${when(outcome.expiresAt, now, 'at a time that is not known')}`;
    case 'link':
      return html`The link ends ${when(outcome.expiresAt, now)}`;
  }
}

function curls({ baseUrl }: Visit, act: ActName, results: readonly RowResult[]): string {
  const { path, body } = bulkActs[act];
  return results
    .map(({ row: { name, organizationId } }) =>
      curlOf({ method: 'POST', baseUrl, path: `/connections/${name}/${path}`, organizationId, ...(body && { body }) }),
    )
    .join('\n');
}
