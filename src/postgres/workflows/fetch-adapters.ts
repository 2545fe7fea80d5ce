import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { WorkflowRegistrations, WorkflowStates } from '../../domain/ports/workflows.ts';
import type { Tables } from '../tables.ts';
import { createWorkflowRegistrations } from './registrations.ts';
import { createWorkflowReader } from './workflow-reader.ts';
import { createWorkflowStates, type WorkflowStatesDeps } from './workflow-states.ts';

/** The ports that fetches need. They serve every organisation. */
export interface WorkflowFetchAdapters {
  workflowStates: WorkflowStates;
  workflowRegistrations: WorkflowRegistrations;
}

export interface WorkflowFetchAdaptersDeps extends Pick<WorkflowStatesDeps, 'listener'> {
  db: Kysely<Tables>;
  pool: Pick<pg.Pool, 'connect'>;
}

export function createWorkflowFetchAdapters(deps: WorkflowFetchAdaptersDeps): WorkflowFetchAdapters {
  const { db, pool, listener } = deps;
  return {
    workflowStates: createWorkflowStates({ readerOf: (owner) => createWorkflowReader(db, owner), listener }),
    workflowRegistrations: createWorkflowRegistrations({ pool }),
  };
}
