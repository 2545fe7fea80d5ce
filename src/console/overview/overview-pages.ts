import { z } from 'zod';
import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { ReadAttention } from '../../broker/administration/overview/read-attention.ts';
import type { ReadForecast, ReadNeeds } from '../../broker/administration/overview/read-overview.ts';
import type { ListFleetConnections } from '../../broker/administration/read-fleet-connections.ts';
import type { ReadFleetStats } from '../../broker/administration/read-fleet-stats.ts';
import type { ReadHealthStats } from '../../broker/administration/read-health-stats.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import type { ListConnections } from '../../broker/connections/read-connections.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Markup } from '../../markup/html.ts';
import { readActorNames } from '../audit/actor-names.ts';
import { optionalChoice } from '../server/forms.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { firstSteps } from './first-steps.ts';
import { memberPage } from './member-page.ts';
import { nowPart, overviewPage } from './overview-page.ts';

export interface OverviewUseCases {
  readNeeds: ReadNeeds;
  readAttention: ReadAttention;
  readForecast: ReadForecast;
  readFleetStats: ReadFleetStats;
  readHealthStats: ReadHealthStats;
  listAuditEvents: ListAuditEvents;
  listFleetConnections: ListFleetConnections;
  listConnections: ListConnections;
  listApiKeys: ListApiKeys;
}

/** `part=now` reads and writes only the part that brings itself up to date. */
const overviewQuery = z.object({ part: optionalChoice(['now']) });

/** Events that are read, to be folded into fewer lines. */
const eventsRead = 40;

export function overviewPages(pages: Pages, useCases: OverviewUseCases): void {
  pages.mount(
    { method: 'GET', path: '', access: { for: 'session' }, query: overviewQuery },
    async (visit, { query }) => ({
      title: 'Overview',
      section: 'overview',
      body: visit.may(accessOf.getFleetStats)
        ? await administratorBody(useCases, visit, query.part === 'now')
        : await memberPage(useCases, visit),
    }),
  );
}

async function administratorBody(useCases: OverviewUseCases, visit: Visit, isPart: boolean): Promise<Markup> {
  const { caller, now } = visit;
  // One after the other: a page must not take several connections of the pool at once.
  const present = { needs: await useCases.readNeeds(caller), attention: await useCases.readAttention(caller) };
  if (isPart) return nowPart(visit, present);
  const stats = await useCases.readFleetStats(caller);
  const first = await useCases.listFleetConnections(caller, {}, { limit: 1 });
  const isEmpty = stats.total === 0 && first.connections.length === 0 && first.nextCursor === null;
  const { events } = await useCases.listAuditEvents(caller, {}, { limit: eventsRead });
  const latest = { events, names: await readActorNames(useCases.listApiKeys, visit) };
  if (isEmpty) return firstSteps(visit, { attention: present.attention, latest });
  const forecast = await useCases.readForecast(caller, now);
  const health = await useCases.readHealthStats(caller);
  return overviewPage(visit, { ...present, stats, health, forecast, latest });
}
