import { z } from 'zod';
import type { ListFleetGrants } from '../../broker/administration/read-fleet-grants.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { html, type Markup } from '../../markup/html.ts';
import { readActorNames } from '../audit/actor-names.ts';
import { stateOfGrant } from '../reasons/state.ts';
import { explainWhy } from '../reasons/why.ts';
import { optionalText } from '../server/forms.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { futureOf, type Plans } from './future.ts';
import { doneMessage, type GrantActUseCases, grantActs } from './grant-acts.ts';
import { grantList } from './grant-list.ts';
import { grantName } from './grant-name.ts';
import { grantPageBody } from './grant-page.ts';
import { grantParams } from './grant-params.ts';
import { grantsQuery, momentOf, selectionOf } from './grants-query.ts';
import { pastOf } from './past.ts';
import { readGrant } from './read-grant.ts';

export interface GrantsPagesUseCases extends GrantActUseCases {
  listFleetGrants: ListFleetGrants;
  listApiKeys: ListApiKeys;
}

const pageSize = 50;

export function grantsPages(pages: Pages, useCases: GrantsPagesUseCases, plans: Omit<Plans, 'now'>): void {
  pages.mount(
    { method: 'GET', path: '/grants', access: { for: 'session' }, query: grantsQuery },
    async (visit, { query }) => {
      if (!visit.may(accessOf.listFleetGrants)) return { title: 'Grants', section: 'grants', body: needsRight(visit) };
      const moment = momentOf(query, visit.now);
      const page = { limit: pageSize, ...(query.cursor && { cursor: query.cursor }) };
      const { grants, nextCursor } = await useCases.listFleetGrants(visit.caller, selectionOf(query, moment), page);
      return { title: 'Grants', section: 'grants', body: grantList({ visit, query, grants, nextCursor, moment }) };
    },
  );

  pages.mount(
    {
      method: 'GET',
      path: '/connections/{name}/grants/{grant_id}',
      access: accessOf.getGrant,
      params: grantParams,
      query: z.object({ done: optionalText }),
    },
    async (visit, { params: { name, grant_id }, query: { done } }) => {
      const { now, caller } = visit;
      const [found, names] = await Promise.all([
        readGrant(useCases, visit, name, grant_id),
        readActorNames(useCases.listApiKeys, visit),
      ]);
      const { grant, connection, history } = found;
      const why = explainWhy(stateOfGrant(grant, connection.settings.flow), { now, ...plans }, caller);
      const future = futureOf(grant, { now, ...plans });
      const past = history && pastOf(grant, history, now);
      const body = grantPageBody({ visit, found, why, future, past, names, done: doneMessage(done) });
      return { title: grantName(grant), section: 'grants', body };
    },
  );

  grantActs(pages, useCases);
}

/** The list spans organisations, which only an administrator may see. */
function needsRight({ href }: Visit): Markup {
  return html`<div class="title"><h1>Grants</h1></div>
<div class="empty"><p>This list shows the grants of all organisations. It needs the permission <code>admin:read</code>.</p>
<p>The grants of one connection are on its own page.</p>
<p><a class="button" href="${href('/console/connections')}">Go to the connections</a></p></div>`;
}
