import type { Reach } from '../callers/caller.ts';
import type { Connection, Flow, OrganizationId } from '../connections/connection.ts';
import type { Grant, GrantStatus, StatusReason, StoredGrantStatus } from '../grants/grant.ts';
import type { NextAction } from '../next-action.ts';
import type { ConnectionRecord } from './connections.ts';

/** Page of a list across organisations. A page may hold fewer rows than `limit`, or none, although others follow. */
export interface FleetPage {
  limit: number;
  /** Cursor of an earlier page with the same selection. Any other value throws `invalid_request`. */
  cursor?: string;
}

export interface GrantSelection {
  /** Only grants whose owner is within it. */
  reach: Reach;
  organizationId?: string;
  connectionName?: string;
  provider?: string;
  status?: GrantStatus;
  reason?: StatusReason;
  nextAction?: NextAction;
  /** Only access tokens that expire before this time. */
  expiresBefore?: Date;
  /** Only refresh tokens that expire before this time. */
  refreshExpiresBefore?: Date;
  /** Part of the subject, the account's id or its name, case-insensitive. */
  q?: string;
}

export interface ConnectionSelection {
  /** Only connections whose owner is within it. */
  reach: Reach;
  organizationId?: string;
  provider?: string;
  flow?: Flow;
  /** Status that the owner sees. */
  status?: GrantStatus;
  /** Part of the name or the description, case-insensitive. */
  q?: string;
}

export interface FleetGrant {
  grant: Grant;
  connection: Connection;
}

/** Number of rows. `isComplete` is false if counting stopped: then there are at least that many. */
export interface BoundedCount {
  count: number;
  isComplete: boolean;
}

export interface GrantCount {
  provider: string;
  status: StoredGrantStatus;
  reason: StatusReason | null;
  nextAction: NextAction;
  grants: number;
}

/** Periods in milliseconds ahead of now, within which a token counts as ending. */
export interface StatsPeriods {
  dueMs: number;
  expiryWarningMs: number;
}

export interface FleetStats {
  /** Time of the statistics, on the database's clock. They hold every change that was committed before. */
  at: Date;
  counts: GrantCount[];
  /** Working grants that can be refreshed and whose access token expires within the period, or has expired. */
  dueSoon: BoundedCount;
  /** Working grants whose last refresh failed. */
  failing: BoundedCount;
  /** Working grants whose refresh token expires within the period. */
  refreshTokensExpiring: BoundedCount;
}

/** A grant of a group, for the button that leads to it. */
export interface NeedExample {
  grantId: string;
  connectionName: string;
  /** Owner of the grant. The connection may be global. */
  organizationId: OrganizationId;
}

/** Grants of one provider that need a person for the same reason. */
export interface NeedCount {
  provider: string;
  reason: StatusReason | null;
  nextAction: 'authorize' | 'reconfigure';
  grants: number;
  /** Null if a bounded search finds none. */
  example: NeedExample | null;
}

export interface FleetNeeds {
  /** Largest first. */
  groups: NeedCount[];
  /** Connections without a grant whose owner sees that they are not connected. */
  neverConnected: BoundedCount;
}

export interface ForecastOptions {
  now: Date;
  /** Time before the expiry of an access token from which the sweep refreshes. */
  windowMs: number;
}

export const forecastMeasures = ['accessTokensExpiring', 'refreshes', 'refreshTokensDying'] as const;
export type ForecastMeasure = (typeof forecastMeasures)[number];

/**
 * Grants in a period that begins at `from` and ends before `to`. They work and can be refreshed.
 * - accessTokensExpiring: by the expiry of the present access token.
 * - refreshes: by that expiry less the window. Overdue ones are in the first period.
 * - refreshTokensDying: by the expiry of a refresh token that refreshes do not prolong.
 */
export interface ForecastPeriod extends Record<ForecastMeasure, BoundedCount> {
  from: Date;
  to: Date;
}

export interface FleetForecast {
  /** The next 24 hours. */
  hours: ForecastPeriod[];
  /** The next 7 periods of 24 hours. */
  days: ForecastPeriod[];
}

/** Reads across organisations. No method reads a number of rows that grows with a table. */
export interface FleetReader {
  listGrants(selection: GrantSelection, page: FleetPage): Promise<{ grants: FleetGrant[]; nextCursor: string | null }>;
  /** Finds a grant within the reach. One beyond it takes the statements of one that does not exist. */
  findGrant(id: string, reach: Reach): Promise<FleetGrant | undefined>;
  listConnections(
    selection: ConnectionSelection,
    page: FleetPage,
  ): Promise<{ records: ConnectionRecord[]; nextCursor: string | null }>;
  /** The same for a connection, with the status that its owner sees. */
  findConnection(id: string, reach: Reach): Promise<ConnectionRecord | undefined>;
  /** Counts the grants of a connection whose owners are within the reach. */
  countGrantsOf(
    connectionId: string,
    reach: Reach,
  ): Promise<{ byStatus: Record<StoredGrantStatus, number>; isComplete: boolean }>;
  readStats(reach: Reach, periods: StatsPeriods): Promise<FleetStats>;
  /** Reads what waits for a person. */
  readNeeds(reach: Reach): Promise<FleetNeeds>;
  readForecast(reach: Reach, options: ForecastOptions): Promise<FleetForecast>;
}

/** Keeps the counts of the statistics small to read. */
export interface FleetCounts {
  /** Adds changes of status to the counts, a bounded number at a time. Safe to run in several processes at once. */
  fold(): Promise<void>;
}
