import type { FleetForecast, ForecastPeriod } from '../../domain/ports/fleet.ts';
import { html, type Markup } from '../../markup/html.ts';
import { countText } from '../layout/numbers.ts';
import { exactTime } from '../layout/time.ts';
import { forecastPicture, isStill, totals } from './forecast-picture.ts';

const hourEdges = { 0: 'now', 6: '+6 h', 12: '+12 h', 18: '+18 h', 24: '+24 h' };
const dayEdges = { 0: 'now', 1: '+1 d', 3: '+3 d', 5: '+5 d', 7: '+7 d' };

/** Shows what happens to tokens in the next day and week: as pictures, and as tables of the same numbers. */
export function forecastPanel({ hours, days }: FleetForecast): Markup {
  return html`<section class="panel" aria-labelledby="forecast">
<h2 id="forecast">What happens next</h2>
${
  isStill(days)
    ? html`<p class="quiet-line">No token expires and no refresh is due within 7 days.</p>`
    : html`<ul class="legend"><li><span class="sign expiring"></span> access tokens that expire, above the line</li>
<li><span class="sign refreshing"></span> refreshes by the broker, below the line</li>
<li><span class="sign dying"></span> refresh tokens that die: a person must connect before</li></ul>
<div class="pictures">
${part('hours', 'The next 24 hours', hours, hourEdges)}
${part('days', 'The next 7 days', days, dayEdges)}
</div>
<p class="help">By the tokens stored now: a refresh moves the expiry of its token. Refreshes that are overdue stand in the first period.</p>`
}
</section>`;
}

function part(id: string, title: string, periods: readonly ForecastPeriod[], edges: Readonly<Record<number, string>>) {
  return html`<figure>
<figcaption><h3>${title}</h3></figcaption>
${forecastPicture({ id, title, periods, edges })}
<details><summary>The same numbers as a table</summary>
${numbersTable(title, periods)}
</details>
</figure>`;
}

function numbersTable(title: string, periods: readonly ForecastPeriod[]): Markup {
  const all = totals(periods);
  return html`<table class="numbers"><caption class="hidden">${title}</caption>
<thead><tr><th scope="col">From (UTC)</th><th scope="col">Expire</th><th scope="col">Refreshes</th><th scope="col">Die</th></tr></thead>
<tbody>${periods.map((each) => html`<tr><th scope="row">${beginOf(each)}</th>${cells(each)}</tr>\n`)}</tbody>
<tfoot><tr><th scope="row">In all</th>${cells(all)}</tr></tfoot></table>`;
}

function cells(numbers: Omit<ForecastPeriod, 'from' | 'to'>): Markup {
  const { accessTokensExpiring, refreshes, refreshTokensDying } = numbers;
  return html`${[accessTokensExpiring, refreshes, refreshTokensDying].map((count) => html`<td>${countText(count)}</td>`)}`;
}

const beginFormat = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

function beginOf({ from }: ForecastPeriod): Markup {
  return html`<time datetime="${from.toISOString()}" title="${exactTime(from)}">${beginFormat.format(from)}</time>`;
}
