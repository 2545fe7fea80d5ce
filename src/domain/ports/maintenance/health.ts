import type { Reach } from '../../callers/caller.ts';
import type { Connection } from '../../connections/connection.ts';
import type { Grant, Health } from '../../grants/grant.ts';
import type { GrantLane, SweepCursor } from './lanes.ts';

/** Part of a grant that a health check needs. */
export type CheckableGrant = Pick<
  Grant,
  'id' | 'organizationId' | 'subject' | 'status' | 'statusReason' | 'sealedTokens' | 'metadata' | 'origins' | 'version'
>;

export interface HealthRecord {
  grantId: string;
  /** Version of the grant that was checked. A record of another version is ignored. */
  version: number;
  health: Health;
  error: string | null;
}

/** Verdict that a record replaced. */
export interface ReplacedHealth {
  grantId: string;
  health: Health | null;
  error: string | null;
}

/** A grant whose health changed, for a log. */
export interface HealthChange {
  grant: Pick<Grant, 'id' | 'organizationId' | 'subject'>;
  connectionName: string;
  health: Health;
  error: string | null;
}

/**
 * Selects grants not checked since `since`. A completed grant counts if its connection has a test_url or is of one of
 * `providers`. A failed grant counts if its failure is not recorded yet.
 */
export interface UncheckedQuery {
  since: Date;
  providers: readonly string[];
}

/** Recorded health of a grant. */
export interface CheckedHealth {
  health: Health | null;
  error: string | null;
  lastCheckAt: Date | null;
}

export interface HealthStore {
  /** Returns the lanes that have unchecked grants. */
  lanes(query: UncheckedQuery): Promise<GrantLane[]>;
  /** Lists unchecked grants of a lane in order of creation, with their connection. */
  unchecked(
    query: UncheckedQuery,
    lane: GrantLane,
    page: { after: SweepCursor | null; limit: number },
  ): Promise<{ grants: CheckableGrant[]; connection: Connection; next: SweepCursor | null } | undefined>;
  /** Returns the verdicts that were replaced by different ones. Of concurrent calls, one receives each. */
  record(records: readonly HealthRecord[], at: Date): Promise<ReplacedHealth[]>;
  /** Lists the first grants of a connection whose owners are within the reach, ordered by owner and creation. */
  grantsOf(connectionId: string, reach: Reach, limit: number): Promise<Grant[]>;
  /** Reads the recorded health by grant id. A deleted grant has no entry. */
  read(grantIds: readonly string[]): Promise<Map<string, CheckedHealth>>;
}
