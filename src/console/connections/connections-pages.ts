import { requirePermission } from '../../domain/callers/caller.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { Pages } from '../server/page-route.ts';
import { actOnRows, type BulkUseCases, bulkActs } from './bulk-acts.ts';
import { bulkResult, bulkTitle } from './bulk-result.ts';
import { bulkForm } from './chosen-rows.ts';
import { connectionList } from './connection-list.ts';
import { listQuery } from './list-query.ts';
import { type ConnectionListUseCases, readList } from './read-list.ts';

export type { BulkUseCases, ConnectionListUseCases };

export function connectionsPages(
  pages: Pages,
  useCases: ConnectionListUseCases & BulkUseCases,
  catalogue: Pick<ProviderCatalogue, 'list'>,
): void {
  pages.mount(
    { method: 'GET', path: '/connections', access: { for: 'session' }, query: listQuery },
    async (visit, { query }) => {
      const list = await readList(useCases, visit, query);
      const providers = catalogue.list().map(({ id }) => id);
      return {
        title: 'Connections',
        section: 'connections',
        body: connectionList({ visit, query, list, providers }),
      };
    },
  );

  // Each row names its organisation, so the access of the operation is checked for each row.
  pages.mount(
    { method: 'POST', path: '/connections', access: { for: 'session' }, form: bulkForm },
    async (visit, { form: { act, rows } }) => {
      requirePermission(visit.caller, bulkActs[act].access.permission);
      const results = await actOnRows(useCases, visit, act, rows);
      return { title: bulkTitle(act), section: 'connections', body: bulkResult(visit, act, results) };
    },
  );
}
