import type { AuditEvent } from '../audit.ts';
import type { Connection, OrganizationId } from '../connections/connection.ts';
import type { Dependency, Dependent, Workflow, WorkflowState } from '../workflows.ts';

export interface PageRequest {
  limit: number;
  /** Cursor of an earlier page. Any other value throws `invalid_request`. */
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface WorkflowReader {
  /** Finds the state of a workflow of this organisation. Undefined if it was never disabled. */
  find(workflowId: string): Promise<WorkflowState | undefined>;
  /** Lists the connections that a workflow of this organisation depends on, oldest connection first. */
  listDependencies(workflowId: string, page: PageRequest): Promise<Page<Dependency>>;
  /** Lists the workflows of this organisation that depend on a connection, by id. */
  listOwnDependents(connectionId: string, page: PageRequest): Promise<Page<Dependency>>;
  /**
   * Lists the workflows of every organisation that depend on a connection which this organisation owns, by organisation
   * and id. Empty for every other connection.
   */
  listDependents(connectionId: string): Promise<Dependent[]>;
  /** Counts the workflows that disableDependents would disable. */
  countEnabledDependents(connectionId: string): Promise<number>;
  /** Lists the disabled workflows of this organisation, by id. */
  listDisabled(page: PageRequest): Promise<Page<WorkflowState>>;
}

export interface Disabling {
  reason: string;
  /** Id of the caller. */
  by: string;
  at: Date;
}

export interface DisablingOfDependents extends Disabling {
  /** Builds the audit event of one disabled workflow. The store adds it to the trail of the workflow's organisation. */
  eventOf: (dependent: Dependent) => Omit<AuditEvent, 'organizationId'>;
}

/** Every change of a state is a notification inside its transaction: no process serves a fetch of a disabled workflow. */
export interface WorkflowWriter extends WorkflowReader {
  /**
   * Registers a dependency. An existing one gets the new name, if there is one, and the time of the last access.
   * The connection must be locked for use.
   */
  register(
    connection: Pick<Connection, 'id' | 'name' | 'organizationId'>,
    workflow: Workflow,
    at: Date,
  ): Promise<{ dependency: Dependency; isNew: boolean }>;
  /** Disables a workflow of this organisation. A workflow that is disabled already gets the new reason. */
  disable(workflowId: string, disabling: Disabling): Promise<WorkflowState>;
  /** Enables a workflow of this organisation. Returns undefined, and writes nothing, if it is not disabled. */
  enable(workflowId: string, enabling: { by: string; at: Date }): Promise<WorkflowState | undefined>;
  /**
   * Disables the workflows of every organisation that depend on a connection which this organisation owns, and writes the
   * audit event of each. The connection must be locked. Returns the workflows it disabled: one that is disabled already
   * keeps its reason and is not among them.
   */
  disableDependents(connectionId: string, disabling: DisablingOfDependents): Promise<Dependent[]>;
}

/** States of workflows as a fetch checks them. */
export interface WorkflowStates {
  /** Returns a state that is in memory at once, without a promise. */
  find(
    organizationId: OrganizationId,
    workflowId: string,
  ): WorkflowState | undefined | Promise<WorkflowState | undefined>;
}

/** Latest fetch of a workflow from a connection. */
export interface WorkflowFetch {
  organizationId: OrganizationId;
  connectionId: string;
  workflow: Workflow;
  at: Date;
}

export interface WorkflowRegistrations {
  /**
   * Registers the dependencies behind fetches in one statement. Leaves out those whose connection was deleted. The batch
   * holds each pair of workflow and connection once.
   */
  registerAll(fetches: readonly WorkflowFetch[]): Promise<void>;
}
