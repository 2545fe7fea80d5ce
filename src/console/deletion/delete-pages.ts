import { z } from 'zod';
import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { ListFleetGrants } from '../../broker/administration/read-fleet-grants.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import type { DeleteConnection } from '../../broker/connections/delete-connection.ts';
import type { PreviewDelete } from '../../broker/connections/preview-delete.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import type { ListDependents } from '../../broker/workflows/list-dependents.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { isBrokerError } from '../../domain/errors.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { html, type Markup } from '../../markup/html.ts';
import { readActorNames } from '../audit/actor-names.ts';
import { connectionParams, organizationQuery, ownConnection, revisionIn, tagOf } from '../editing/own-connection.ts';
import { optionalText } from '../server/forms.ts';
import type { Answer, PageAnswer, Pages } from '../server/page-route.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { deletedPage, deletePage, gonePage } from './delete-page.ts';
import { readEndingGrants } from './ending-grants.ts';
import { readRecentFetches } from './recent-fetches.ts';

export interface DeletionUseCases {
  getConnection: GetConnection;
  previewDelete: PreviewDelete;
  deleteConnection: DeleteConnection;
  listDependents: ListDependents;
  listFleetGrants: ListFleetGrants;
  listAuditEvents: ListAuditEvents;
  listApiKeys: ListApiKeys;
}

export type Templates = Pick<ProviderCatalogue, 'find'>;

/** Workflows that the page names. It tells the number of the others. */
const maxWorkflows = 100;

export function deletePages(pages: Pages, useCases: DeletionUseCases, templates: Templates): void {
  const access = accessOf.deleteConnection;
  const path = '/connections/{name}/delete';
  const query = organizationQuery.extend({ done: optionalText });

  pages.mount(
    { method: 'GET', path, access, params: connectionParams, query },
    async (visit, { params: { name }, query: { done } }) => {
      try {
        const { connection } = await ownConnection(useCases, visit, name);
        return page(`Delete ${name}`, await planOf(visit, useCases, templates, connection));
      } catch (error) {
        if (!isBrokerError(error, 'connection_not_found')) throw error;
        if (done === 'deleted') return page(`${name} is deleted`, deletedPage(visit, name));
        if (done === 'gone') return page(`No connection ${name}`, gonePage(visit, name), 404);
        throw error;
      }
    },
  );

  const form = z.object({ typed: z.string().max(500).default(''), revision: z.string(), workflows: z.string() });
  pages.mount(
    { method: 'POST', path, access, params: connectionParams, query: organizationQuery, form },
    async (visit, { params: { name }, form }): Promise<Answer> => {
      const to = (done: string) => ({
        seeOther: `${connectionPage({ name, organizationId: visit.actor.organizationId }, 'delete')}&done=${done}`,
      });
      try {
        const { connection } = await ownConnection(useCases, visit, name);
        const again = async (refusal: Markup | undefined, status: number, typedFault?: string) =>
          page(`Delete ${name}`, await planOf(visit, useCases, templates, connection, { refusal, typedFault }), status);
        if (form.typed.trim() !== name) return again(undefined, 400, 'is not the name: nothing was deleted');
        const revision = revisionIn(form.revision, connection);
        const conditions = { confirmDisableWorkflows: form.workflows === 'shown', ifMatch: [revision ?? ''] };
        try {
          await useCases.deleteConnection(visit.actor, name, conditions);
          return to('deleted');
        } catch (error) {
          if (isBrokerError(error, 'precondition_failed')) return again(refusals.precondition_failed, 412);
          if (isBrokerError(error, 'dependent_workflows')) return again(refusals.dependent_workflows, 400);
          throw error;
        }
      } catch (error) {
        if (isBrokerError(error, 'connection_not_found')) return to('gone');
        throw error;
      }
    },
  );
}

const refusals = {
  precondition_failed: html`Nothing was deleted: the connection was edited after you opened this page. Look again.`,
  dependent_workflows: html`Nothing was deleted: a workflow began to depend on the connection. Look again.`,
};

const page = (title: string, body: Markup, status = 200): PageAnswer => ({
  title,
  section: 'connections',
  body,
  status,
});

/** Reads what a deletion ends, at the time of the request. */
async function planOf(
  visit: OrganizationVisit,
  useCases: DeletionUseCases,
  templates: Templates,
  connection: Connection,
  attempt: { refusal?: Markup | undefined; typedFault?: string | undefined } = {},
): Promise<Markup> {
  const { id, name, settings } = connection;
  const [{ effects }, grants, dependents, fetches, names] = await Promise.all([
    useCases.previewDelete(visit.actor, name),
    readEndingGrants(useCases.listFleetGrants, visit, connection),
    readDependents(useCases.listDependents, visit, name),
    readRecentFetches(useCases.listAuditEvents, visit, { connectionName: name, connectionId: id }),
    readActorNames(useCases.listApiKeys, visit),
  ]);
  const template = templates.find(settings.provider);
  const shown = { visit, connection, template, effects, grants, dependents, fetches, names };
  return deletePage({ ...shown, revision: tagOf(connection), ...attempt });
}

async function readDependents(listDependents: ListDependents, visit: OrganizationVisit, name: string) {
  if (!visit.may(accessOf.listDependents)) return null;
  return (await listDependents(visit.actor, name, { limit: maxWorkflows })).items;
}
