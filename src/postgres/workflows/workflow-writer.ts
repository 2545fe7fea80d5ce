import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { WorkflowWriter } from '../../domain/ports/workflows.ts';
import type { Dependent } from '../../domain/workflows.ts';
import { appendAuditEvents } from '../audit-log.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { channels } from '../notify/channels.ts';
import type { Notify } from '../notify/notifying-transaction.ts';
import type { Tables } from '../tables.ts';
import { createWorkflowReader } from './workflow-reader.ts';
import { stateColumns, toState } from './workflow-rows.ts';

/** Notifications that one change sends at most. Beyond it one notification clears the states of every workflow. */
const maxNotifications = 100;

export function createWorkflowWriter(
  db: Kysely<Tables>,
  notify: Notify,
  organizationId: OrganizationId,
): WorkflowWriter {
  const reader = createWorkflowReader(db, organizationId);
  const notifyChanged = (organization_id: OrganizationId, workflow_id: string) =>
    notify(channels.workflowChanged, { organization_id, workflow_id });

  async function notifyAllChanged(dependents: readonly Dependent[]): Promise<void> {
    if (dependents.length > maxNotifications) {
      await notify(channels.workflowChanged, { organization_id: null, workflow_id: null });
      return;
    }
    for (const dependent of dependents) await notifyChanged(dependent.organizationId, dependent.workflow.id);
  }

  return {
    ...reader,

    async register(connection, workflow, at) {
      const row = await db
        .insertInto('workflow_dependencies')
        .values({
          connection_id: connection.id,
          organization_id: organizationId,
          workflow_id: workflow.id,
          workflow_name: workflow.name,
          registered_at: at,
          last_accessed_at: at,
        })
        .onConflict((conflict) =>
          conflict.constraint('workflow_dependencies_pair').doUpdateSet({
            workflow_name: sql`coalesce(excluded.workflow_name, workflow_dependencies.workflow_name)`,
            last_accessed_at: sql`greatest(excluded.last_accessed_at, workflow_dependencies.last_accessed_at)`,
          }),
        )
        // A row that this statement inserts was locked or deleted by no transaction.
        .returning(['workflow_name', 'registered_at', 'last_accessed_at', sql<boolean>`xmax = 0`.as('is_new')])
        .executeTakeFirstOrThrow();
      return {
        dependency: {
          workflow: { id: workflow.id, name: row.workflow_name },
          connectionId: connection.id,
          connectionName: connection.name,
          connectionOwner: connection.organizationId,
          registeredAt: row.registered_at,
          lastAccessedAt: row.last_accessed_at,
        },
        isNew: row.is_new,
      };
    },

    async disable(workflowId, { reason, by, at }) {
      const disabled = { is_disabled: true, reason, disabled_at: at, disabled_by: by };
      const ofNoConnection = { connection_id: null, connection_name: null };
      const row = await db
        .insertInto('workflow_states')
        .values({ ...disabled, ...ofNoConnection, organization_id: organizationId, workflow_id: workflowId })
        .onConflict((conflict) =>
          conflict.constraint('workflow_states_workflow').doUpdateSet({ ...disabled, ...ofNoConnection }),
        )
        .returning(stateColumns)
        .executeTakeFirstOrThrow();
      await notifyChanged(organizationId, workflowId);
      return toState(row);
    },

    async enable(workflowId, { by, at }) {
      const row = await db
        .updateTable('workflow_states')
        .set({ is_disabled: false, enabled_at: at, enabled_by: by })
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .where('workflow_id', '=', workflowId)
        .where('is_disabled', '=', true)
        .returning(stateColumns)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      await notifyChanged(organizationId, workflowId);
      return toState(row);
    },

    async disableDependents(connectionId, { reason, by, at, eventOf }) {
      const dependents = await reader.listDependents(connectionId);
      // In the order of the key: two deletions that disable the same workflows never wait for each other in a circle.
      const { rows } = await sql<{ organization_id: OrganizationId; workflow_id: string }>`
        insert into workflow_states (
          organization_id, workflow_id, is_disabled, reason, connection_id, connection_name, disabled_at, disabled_by
        )
        select d.organization_id, d.workflow_id, true, ${reason}, c.id, c.name, ${at}::timestamptz, ${by}
        from connections c join workflow_dependencies d on d.connection_id = c.id
        where c.id = ${connectionId} and c.organization_id is not distinct from ${organizationId}::text
        order by d.organization_id, d.workflow_id
        on conflict on constraint workflow_states_workflow do update set
          is_disabled = true, reason = excluded.reason, connection_id = excluded.connection_id,
          connection_name = excluded.connection_name, disabled_at = excluded.disabled_at,
          disabled_by = excluded.disabled_by
        where not workflow_states.is_disabled
        returning organization_id, workflow_id`.execute(db);
      const written = new Set(rows.map((row) => keyOf(row.organization_id, row.workflow_id)));
      const disabled = dependents.filter((each) => written.has(keyOf(each.organizationId, each.workflow.id)));
      await appendAuditEvents(
        db,
        disabled.map((each) => ({ ...eventOf(each), organizationId: each.organizationId })),
      );
      await notifyAllChanged(disabled);
      return disabled;
    },
  };
}

function keyOf(organizationId: OrganizationId, workflowId: string): string {
  return JSON.stringify([organizationId, workflowId]);
}
