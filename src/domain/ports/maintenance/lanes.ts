import type { OrganizationId } from '../../connections/connection.ts';

export interface SweepCursor {
  at: Date;
  id: string;
}

/** Grants of one organisation on one connection. Background work takes the lanes in turns. */
export interface GrantLane {
  organizationId: OrganizationId;
  connectionId: string;
}
