import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { ListGrants } from '../../broker/grants/list-grants.ts';
import type { ListDependents } from '../../broker/workflows/list-dependents.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { doneNotice } from '../layout/notices.ts';
import { optionalChoice, optionalText } from '../server/forms.ts';
import type { Pages } from '../server/page-route.ts';
import { actPages, type ConnectionActUseCases } from './act-pages.ts';
import { dependantsTab } from './dependants-tab.ts';
import { connectionAnswer } from './frame-of-connection.ts';
import { grantsTab, storedStatuses } from './grants-tab.ts';
import { settingsTab } from './settings-tab.ts';
import { type ConnectionPagesSettings, nameParams, placeQuery, readShown } from './shown.ts';
import { stateTab } from './state-tab.ts';
import { timelineTab } from './timeline-tab.ts';
import { useTab } from './use-tab.ts';
import { whyPage } from './why-page.ts';

export interface ConnectionPageUseCases extends ConnectionActUseCases {
  listGrants: ListGrants;
  listDependents: ListDependents;
  listAuditEvents: ListAuditEvents;
}

const pageSize = 50;
/** Workflows that the page "Why not ready" names. The tab lists all of them. */
const namedWorkflows = 20;

/** Results of the pages that come back here. */
const doneTexts = {
  created: 'The connection is created.',
  edited: 'The changes are applied.',
  grant_deleted: 'The grant is deleted.',
};

const stateQuery = placeQuery.extend({ done: optionalText });
const pagedQuery = placeQuery.extend({ cursor: optionalText });
const grantsQuery = pagedQuery.extend({ done: optionalText, q: optionalText, status: optionalChoice(storedStatuses) });

export function connectionPages(
  pages: Pages,
  useCases: ConnectionPageUseCases,
  settings: ConnectionPagesSettings,
): void {
  actPages(pages, useCases, settings);
  const common = { method: 'GET', params: nameParams, query: placeQuery, access: accessOf.getConnection } as const;

  pages.mount({ ...common, path: '/connections/{name}', query: stateQuery }, async (visit, { params, query }) => {
    const shown = await readShown(useCases, settings, visit, params.name);
    const result = doneNotice(doneTexts, query.done);
    return connectionAnswer({ shown, tab: undefined, result, body: stateTab(shown), isLive: true });
  });

  pages.mount({ ...common, path: '/connections/{name}/why' }, async (visit, { params: { name } }) => {
    const shown = await readShown(useCases, settings, visit, name);
    const { items, nextCursor } = await useCases.listDependents(visit.actor, name, { limit: namedWorkflows });
    return whyPage(shown, { items, hasMore: nextCursor !== null });
  });

  pages.mount(
    { ...common, path: '/connections/{name}/grants', access: accessOf.listGrants, query: grantsQuery },
    async (visit, { params: { name }, query }) => {
      const { q, status, cursor } = query;
      const filter = { ...(q && { q }), ...(status && { status }), ...(cursor && { cursor }) };
      const page = await useCases.listGrants(visit.actor, name, { ...filter, limit: pageSize });
      const shown = await readShown(useCases, settings, visit, name);
      return connectionAnswer({
        shown,
        tab: 'grants',
        title: `Grants of ${name}`,
        result: doneNotice(doneTexts, query.done),
        body: grantsTab(shown, query, page),
      });
    },
  );

  pages.mount(
    { ...common, path: '/connections/{name}/timeline', query: pagedQuery },
    async (visit, { params: { name }, query }) => {
      const shown = await readShown(useCases, settings, visit, name);
      const { organizationId } = visit.actor;
      const page = visit.may(accessOf.listAuditEvents)
        ? await useCases.listAuditEvents(
            visit.caller,
            { connectionName: name, ...(organizationId !== null && { organizationId }) },
            { limit: pageSize, ...(query.cursor && { cursor: query.cursor }) },
          )
        : null;
      return connectionAnswer({ shown, tab: 'timeline', title: `Timeline of ${name}`, body: timelineTab(shown, page) });
    },
  );

  pages.mount(
    { ...common, path: '/connections/{name}/dependants', access: accessOf.listDependents, query: pagedQuery },
    async (visit, { params: { name }, query: { cursor } }) => {
      const page = await useCases.listDependents(visit.actor, name, { limit: pageSize, ...(cursor && { cursor }) });
      const shown = await readShown(useCases, settings, visit, name);
      return connectionAnswer({
        shown,
        tab: 'dependants',
        title: `Dependants of ${name}`,
        body: dependantsTab(shown, page),
      });
    },
  );

  pages.mount({ ...common, path: '/connections/{name}/settings' }, async (visit, { params: { name } }) => {
    const shown = await readShown(useCases, settings, visit, name);
    return connectionAnswer({ shown, tab: 'settings', title: `Settings of ${name}`, body: settingsTab(shown) });
  });

  pages.mount({ ...common, path: '/connections/{name}/use' }, async (visit, { params: { name } }) => {
    const shown = await readShown(useCases, settings, visit, name);
    return connectionAnswer({ shown, tab: 'use', title: `Use ${name}`, body: useTab(shown) });
  });
}
