import type { Tables } from '../tables.ts';

export type Privilege = 'select' | 'insert' | 'update' | 'delete';

const all = ['select', 'insert', 'update', 'delete'] as const;
const kept = ['select', 'insert', 'update'] as const;

/**
 * Privileges of the service on each table: those that its statements use. Triggers and cascades run with the rights of
 * the owner. An `insert … on conflict do update`, and every lock on a row, needs `update`.
 */
export const tablePrivileges: Readonly<Record<keyof Tables, readonly Privilege[]>> = {
  connections: all,
  grants: all,
  authorizations: all,
  deleted_authorizations: ['select', 'insert', 'delete'],
  api_keys: kept,
  client_refusals: all,
  console_sessions: all,
  data_keys: all,
  key_backups: kept,
  key_holders: all,
  key_rotations: kept,
  // An event is never changed. Retention drops whole partitions, through a function of the owner.
  audit_events: ['select', 'insert'],
  consents: kept,
  // Triggers of grants and connections write it.
  fleet_grants: ['select'],
  fleet_counts: kept,
  fleet_count_changes: ['select', 'delete'],
  health_counts: kept,
  health_count_changes: ['select', 'delete'],
  health_runs: all,
  health_run_lanes: all,
  pending_revocations: all,
  settings: ['select', 'insert'],
  sweeps: all,
  workers: all,
  sweep_grants: ['select', 'insert', 'delete'],
  workflow_dependencies: kept,
  workflow_states: kept,
};

/** Functions that only the owner and the service may call. */
export const serviceFunctions: readonly string[] = ['drop_audit_partitions(timestamptz)'];
