import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { WorkflowReader } from '../../domain/ports/workflows.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { isUuid } from '../driver/uuid.ts';
import type { Tables } from '../tables.ts';
import { readPageCursor, toPage } from './page-cursor.ts';
import { stateColumns, toDependency, toState } from './workflow-rows.ts';

const isStorable = (key: string) => !key.includes('\0') && key.isWellFormed();

/**
 * Each list is ordered by the organisation first, though it has one only: a plan takes `is null` for no constant, and would
 * sort the rows of the global scope instead of reading them in the order of the index.
 */
export function createWorkflowReader(db: Kysely<Tables>, organizationId: OrganizationId): WorkflowReader {
  const states = () =>
    db
      .selectFrom('workflow_states')
      .select(stateColumns)
      .where('organization_id', isNullOrEqual(organizationId), organizationId);
  const ownDependencies = () =>
    db
      .selectFrom('workflow_dependencies as d')
      .innerJoin('connections as c', 'c.id', 'd.connection_id')
      .select([
        'd.workflow_id',
        'd.workflow_name',
        'd.connection_id',
        'c.name as connection_name',
        'c.organization_id as connection_owner',
        'd.registered_at',
        'd.last_accessed_at',
      ])
      .where('d.organization_id', isNullOrEqual(organizationId), organizationId);

  return {
    async find(workflowId) {
      const row = await states().where('workflow_id', '=', workflowId).executeTakeFirst();
      return row && toState(row);
    },

    async listDependencies(workflowId, page) {
      let query = ownDependencies().where('d.workflow_id', '=', workflowId);
      if (page.cursor !== undefined) {
        const after = readPageCursor(page.cursor, isUuid);
        // Named for both tables: a merge join would read the connections from the first one on.
        query = query.where('d.connection_id', '>', after).where('c.id', '>', after);
      }
      const rows = await query
        .orderBy('d.organization_id')
        .orderBy('d.connection_id')
        .limit(page.limit + 1)
        .execute();
      return toPage(rows, page, { keyOf: (row) => row.connection_id, toItem: toDependency });
    },

    async listOwnDependents(connectionId, page) {
      let query = ownDependencies().where('d.connection_id', '=', connectionId);
      if (page.cursor !== undefined) query = query.where('d.workflow_id', '>', readPageCursor(page.cursor, isStorable));
      const rows = await query
        .orderBy('d.organization_id')
        .orderBy('d.workflow_id')
        .limit(page.limit + 1)
        .execute();
      return toPage(rows, page, { keyOf: (row) => row.workflow_id, toItem: toDependency });
    },

    async listDependents(connectionId) {
      const rows = await db
        .selectFrom('workflow_dependencies as d')
        .innerJoin('connections as c', 'c.id', 'd.connection_id')
        .select(['d.organization_id', 'd.workflow_id', 'd.workflow_name'])
        .where('c.id', '=', connectionId)
        .where('c.organization_id', isNullOrEqual(organizationId), organizationId)
        .orderBy('d.organization_id')
        .orderBy('d.workflow_id')
        .execute();
      return rows.map((row) => ({
        organizationId: row.organization_id,
        workflow: { id: row.workflow_id, name: row.workflow_name },
      }));
    },

    async countEnabledDependents(connectionId) {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count
        from connections c join workflow_dependencies d on d.connection_id = c.id
        where c.id = ${connectionId} and c.organization_id is not distinct from ${organizationId}::text
          and not exists (
            select from workflow_states s
            where s.is_disabled and s.workflow_id = d.workflow_id
              and (s.organization_id = d.organization_id or (s.organization_id is null and d.organization_id is null))
          )`.execute(db);
      return rows[0]?.count ?? 0;
    },

    async listDisabled(page) {
      let query = states().where('is_disabled', '=', true);
      if (page.cursor !== undefined) query = query.where('workflow_id', '>', readPageCursor(page.cursor, isStorable));
      const rows = await query
        .orderBy('organization_id')
        .orderBy('workflow_id')
        .limit(page.limit + 1)
        .execute();
      return toPage(rows, page, { keyOf: (row) => row.workflow_id, toItem: toState });
    },
  };
}
