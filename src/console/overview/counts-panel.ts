import type { FleetStatsView } from '../../broker/administration/read-fleet-stats.ts';
import type { HealthStats } from '../../broker/administration/read-health-stats.ts';
import { html, type Markup } from '../../markup/html.ts';
import { countText, numberText } from '../layout/numbers.ts';
import { isolated } from '../layout/owner.ts';
import { queryOf } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';

type Links = Pick<Visit, 'href'>;

/** Counts grants by what they need, and by provider. */
export function countsPanel({ href }: Links, stats: FleetStatsView, health: HealthStats): Markup {
  const grants = (query: Record<string, string>) => href(`/console/grants${queryOf(query)}`);
  const { byNextAction, byStatus } = stats;
  const figures: [label: string, value: string, link: string | null][] = [
    ['grants', numberText(stats.total), grants({})],
    ['work', numberText(byStatus.completed), grants({ status: 'completed' })],
    ['need a person', numberText(byNextAction.authorize), grants({ next_action: 'authorize' })],
    ['need an administrator', numberText(byNextAction.reconfigure), grants({ next_action: 'reconfigure' })],
    ['are tried again', numberText(byNextAction.wait), grants({ next_action: 'wait' })],
    ['due for a refresh', countText(stats.dueSoon), null],
    ['failed their health check', numberText(health.unhealthy), null],
  ];
  return html`<section class="panel" aria-labelledby="counts">
<h2 id="counts">Counts</h2>
<ul class="figures">${figures.map(([label, value, link]) => {
    const content = html`<strong>${value}</strong> <span>${label}</span>`;
    return html`<li>${link === null ? content : html`<a href="${link}">${content}</a>`}</li>\n`;
  })}</ul>
${providersOf(stats, grants)}
</section>`;
}

function providersOf({ byProvider }: FleetStatsView, grants: (query: Record<string, string>) => string): Markup | null {
  if (byProvider.length === 0) return null;
  const rows = byProvider.toSorted((one, other) => other.total - one.total);
  return html`<details><summary>By provider</summary>
<table class="numbers"><caption class="hidden">Grants by provider</caption>
<thead><tr><th scope="col">Provider</th><th scope="col">Grants</th><th scope="col">Work</th><th scope="col">Failed</th></tr></thead>
<tbody>${rows.map(
    ({ provider, total, byStatus }) =>
      html`<tr><th scope="row"><a href="${grants({ provider })}">${isolated(provider)}</a></th><td>${numberText(total)}</td><td>${numberText(byStatus.completed)}</td><td>${numberText(byStatus.failed)}</td></tr>\n`,
  )}</tbody></table></details>`;
}
