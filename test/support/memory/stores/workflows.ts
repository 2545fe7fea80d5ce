import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import { invalidRequest } from '../../../../src/domain/errors.ts';
import type { Page, PageRequest, WorkflowStates, WorkflowWriter } from '../../../../src/domain/ports/workflows.ts';
import type { Dependency, WorkflowState } from '../../../../src/domain/workflows.ts';
import { compareText, type MemoryDependency, type MemoryRows } from './state.ts';

export function createMemoryWorkflows(rows: MemoryRows, organizationId: OrganizationId): WorkflowWriter {
  const stateOf = (owner: OrganizationId, workflowId: string) =>
    rows.workflowStates.find((each) => each.organizationId === owner && each.workflowId === workflowId);

  function put(owner: OrganizationId, state: WorkflowState): void {
    const others = rows.workflowStates.filter(
      (each) => each.organizationId !== owner || each.workflowId !== state.workflowId,
    );
    rows.workflowStates = [...others, { ...state, organizationId: owner }];
  }

  function toDependency(row: MemoryDependency): Dependency[] {
    const connection = rows.connections.get(row.connectionId);
    if (connection === undefined) return [];
    const { organizationId: connectionOwner, name: connectionName } = connection;
    const { connectionId, workflow, registeredAt, lastAccessedAt } = row;
    return [{ workflow, connectionId, connectionName, connectionOwner, registeredAt, lastAccessedAt }];
  }

  const ownWhere = (isMeant: (row: MemoryDependency) => boolean) =>
    rows.dependencies.filter((each) => each.organizationId === organizationId && isMeant(each)).flatMap(toDependency);

  const dependentsOf = (connectionId: string) =>
    rows.connections.get(connectionId)?.organizationId === organizationId
      ? rows.dependencies
          .filter((each) => each.connectionId === connectionId)
          .map(({ organizationId: owner, workflow }) => ({ organizationId: owner, workflow }))
          .sort(
            (a, b) => compareOwners(a.organizationId, b.organizationId) || compareText(a.workflow.id, b.workflow.id),
          )
      : [];

  return {
    find: async (workflowId) => publicState(stateOf(organizationId, workflowId)),
    listDependencies: async (workflowId, page) =>
      pageOf(
        ownWhere((row) => row.workflow.id === workflowId),
        page,
        (row) => row.connectionId,
      ),
    listOwnDependents: async (connectionId, page) =>
      pageOf(
        ownWhere((row) => row.connectionId === connectionId),
        page,
        (row) => row.workflow.id,
      ),
    listDependents: async (connectionId) => dependentsOf(connectionId),
    countEnabledDependents: async (connectionId) =>
      dependentsOf(connectionId).filter((each) => stateOf(each.organizationId, each.workflow.id)?.isDisabled !== true)
        .length,
    listDisabled: async (page) =>
      pageOf(
        rows.workflowStates
          .filter((each) => each.organizationId === organizationId && each.isDisabled)
          .flatMap((each) => publicState(each) ?? []),
        page,
        (state) => state.workflowId,
      ),

    async register({ id: connectionId }, workflow, at) {
      const isThis = (each: MemoryDependency) =>
        each.connectionId === connectionId &&
        each.organizationId === organizationId &&
        each.workflow.id === workflow.id;
      const known = rows.dependencies.find(isThis);
      const row: MemoryDependency = {
        connectionId,
        organizationId,
        workflow: { id: workflow.id, name: workflow.name ?? known?.workflow.name ?? null },
        registeredAt: known?.registeredAt ?? at,
        lastAccessedAt: known !== undefined && known.lastAccessedAt > at ? known.lastAccessedAt : at,
      };
      rows.dependencies = [...rows.dependencies.filter((each) => !isThis(each)), row];
      const [dependency] = toDependency(row);
      if (dependency === undefined) throw new Error('the connection is not there');
      return { dependency, isNew: known === undefined };
    },

    async disable(workflowId, { reason, by, at }) {
      const { enabledAt, enabledBy } = stateOf(organizationId, workflowId) ?? { enabledAt: null, enabledBy: null };
      const disabled = { isDisabled: true, reason, disabledAt: at, disabledBy: by, connectionName: null };
      const state = { workflowId, ...disabled, enabledAt, enabledBy };
      put(organizationId, state);
      return state;
    },

    async enable(workflowId, { by, at }) {
      const state = publicState(stateOf(organizationId, workflowId));
      if (state === undefined || !state.isDisabled) return undefined;
      const enabled = { ...state, isDisabled: false, enabledAt: at, enabledBy: by };
      put(organizationId, enabled);
      return enabled;
    },

    async disableDependents(connectionId, { reason, by, at, eventOf }) {
      const connectionName = rows.connections.get(connectionId)?.name ?? null;
      const disabled = dependentsOf(connectionId).filter(
        ({ organizationId: owner, workflow }) => stateOf(owner, workflow.id)?.isDisabled !== true,
      );
      for (const dependent of disabled) {
        const { organizationId: owner, workflow } = dependent;
        const { enabledAt, enabledBy } = stateOf(owner, workflow.id) ?? { enabledAt: null, enabledBy: null };
        const disabling = { isDisabled: true, reason, disabledAt: at, disabledBy: by, connectionName };
        put(owner, { workflowId: workflow.id, ...disabling, enabledAt, enabledBy });
        rows.audit.push({ ...eventOf(dependent), organizationId: owner });
      }
      return disabled;
    },
  };
}

export function createMemoryWorkflowStates(rows: MemoryRows): WorkflowStates {
  return { find: (organizationId, workflowId) => createMemoryWorkflows(rows, organizationId).find(workflowId) };
}

function publicState(row: (WorkflowState & { organizationId: OrganizationId }) | undefined): WorkflowState | undefined {
  if (row === undefined) return undefined;
  const { organizationId: _, ...state } = row;
  return state;
}

/** The order of Postgres: null last. */
function compareOwners(a: OrganizationId, b: OrganizationId): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(a, b);
}

function pageOf<T>(all: readonly T[], { limit, cursor }: PageRequest, keyOf: (item: T) => string): Page<T> {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rest = [...all]
    .sort((a, b) => compareText(keyOf(a), keyOf(b)))
    .filter((item) => after === undefined || keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: last !== undefined && rest.length > limit ? JSON.stringify([keyOf(last)]) : null };
}

function readCursor(text: string): string {
  try {
    const [key]: unknown[] = JSON.parse(text);
    if (typeof key === 'string') return key;
  } catch {
    // Not JSON, or not an array: no list wrote it.
  }
  throw invalidRequest({ path: 'query.cursor', message: 'is not a cursor that a list has given' });
}
