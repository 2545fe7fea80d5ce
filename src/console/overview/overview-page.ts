import type { Attention } from '../../broker/administration/overview/read-attention.ts';
import type { FleetStatsView } from '../../broker/administration/read-fleet-stats.ts';
import type { HealthStats } from '../../broker/administration/read-health-stats.ts';
import type { FleetForecast, FleetNeeds } from '../../domain/ports/fleet.ts';
import { html, type Markup } from '../../markup/html.ts';
import { live } from '../layout/live.ts';
import type { Visit } from '../server/visit.ts';
import { attentionPanel } from './attention-panel.ts';
import { countsPanel } from './counts-panel.ts';
import { eventsPanel, type LatestEvents } from './events-panel.ts';
import { forecastPanel } from './forecast-panel.ts';
import { lastSweepPanel } from './last-sweep-panel.ts';
import { needsPanel } from './needs-panel.ts';

export interface Present {
  needs: FleetNeeds;
  attention: Attention;
}

export interface Overview extends Present {
  stats: FleetStatsView;
  health: HealthStats;
  forecast: FleetForecast;
  latest: LatestEvents;
}

/** Writes the part that changes by itself. It alone is read again every few seconds. */
export function nowPart(visit: Visit, { needs, attention }: Present): Markup {
  return live({
    id: 'now',
    href: visit.href('/console?part=now'),
    nonce: visit.nonce,
    body: html`${needsPanel(visit, needs)}
${attentionPanel(visit, attention)}`,
  });
}

export function overviewPage(visit: Visit, overview: Overview): Markup {
  const { attention, stats, health, forecast, latest } = overview;
  return html`<div class="title"><h1>Overview</h1></div>
${nowPart(visit, overview)}
${forecastPanel(forecast)}
<div class="panels">
${countsPanel(visit, stats, health)}
${lastSweepPanel(visit, stats, attention)}
</div>
${eventsPanel(visit, latest)}`;
}
