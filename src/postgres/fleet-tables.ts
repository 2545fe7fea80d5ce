import type { Generated, GeneratedAlways } from 'kysely';
import type { Flow } from '../domain/connections/connection.ts';
import type { StatusReason, StoredGrantStatus } from '../domain/grants/grant.ts';
import type { NextAction } from '../domain/next-action.ts';

// Tables of the reads across organisations. Triggers of grants and connections write them.

/** One row for each grant, with the columns that lists filter by. */
export interface FleetGrantsTable {
  grant_id: string;
  /** Organisation that owns the grant; empty for a shared grant. */
  owner: string;
  connection_name: string;
  provider: string;
  flow: Flow;
  status: StoredGrantStatus;
  /** Empty for no reason. */
  reason: StatusReason | '';
  /** Whether the broker tries to bring back a grant that does not work. */
  retried: boolean;
  next_action: GeneratedAlways<NextAction>;
}

/** Number of grants by owner and state. The owner `*` stands for all organisations together. */
export interface FleetCountsTable {
  owner: string;
  provider: string;
  status: StoredGrantStatus;
  next_action: NextAction;
  reason: StatusReason | '';
  /** bigint, selected as text. */
  grants: string;
}

/** Changes that are not yet added to fleet_counts. */
export interface FleetCountChangesTable extends FleetCountsTable {
  /** bigint, selected as text. */
  id: Generated<string>;
}
