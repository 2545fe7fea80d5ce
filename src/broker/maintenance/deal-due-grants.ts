import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { DueLane, SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import { lanesByOrganization } from './lanes.ts';

/** Due grants of one organisation, all urgent or all not. */
export interface DueBatch {
  organizationId: OrganizationId;
  urgent: boolean;
  grantIds: string[];
}

/** The listed grants of one sweep, dealt out in turns by organisation, and by connection within an organisation. */
export interface DueGrants {
  /** Organisations with grants that are not dealt out yet, in the order of their turns. */
  organizations(): OrganizationId[];
  /** Deals the next batch of an organisation, with urgent grants before others. */
  next(organizationId: OrganizationId, limit: number): Promise<DueBatch>;
  /** Checks whether the next batch of an organisation is urgent. */
  isUrgent(organizationId: OrganizationId): boolean;
}

interface OpenLane extends DueLane {
  after: string | null;
}

/**
 * Opens the list of a sweep. Holds one small record for each organisation and connection with due grants; the grants
 * themselves stay in the list.
 */
export async function openDueGrants(sweeps: Pick<SweepStore, 'lanes' | 'due'>, sweepId: string): Promise<DueGrants> {
  const lanes = (await sweeps.lanes(sweepId)).map((lane): OpenLane => ({ ...lane, after: null }));
  const urgentFirst = [...lanes.filter(({ urgent }) => urgent), ...lanes.filter(({ urgent }) => !urgent)];
  const open = lanesByOrganization(urgentFirst);
  const isUrgent = (organizationId: OrganizationId) => open.get(organizationId)?.[0]?.urgent === true;

  return {
    organizations: () => [...open.keys()],
    isUrgent,
    async next(organizationId, limit) {
      const urgent = isUrgent(organizationId);
      const ofOrganization = open.get(organizationId) ?? [];
      const taken = ofOrganization.filter((lane) => lane.urgent === urgent);
      const others = ofOrganization.filter((lane) => lane.urgent !== urgent);
      const grantIds: string[] = [];
      const share = Math.max(1, Math.ceil(limit / Math.max(1, taken.length)));
      for (let lane = taken.shift(); lane !== undefined; lane = taken.shift()) {
        const { after } = lane;
        const page = await sweeps.due(sweepId, lane, { after, limit: Math.min(share, limit - grantIds.length) });
        grantIds.push(...page.grantIds);
        // A lane with more grants waits behind the other connections of its organisation.
        if (page.next !== null) taken.push({ ...lane, after: page.next });
        if (grantIds.length >= limit) break;
      }
      const left = [...taken, ...others];
      // Deleting first moves the organisation behind the others, which then come first when the queue has room again.
      open.delete(organizationId);
      if (left.length > 0) open.set(organizationId, left);
      return { organizationId, urgent, grantIds };
    },
  };
}
