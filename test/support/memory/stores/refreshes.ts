import { type Grant, renewedGrant } from '../../../../src/domain/grants/grant.ts';
import type { GrantWithConnection, RecordedFailure, RefreshStore } from '../../../../src/domain/ports/engine.ts';
import type { GrantBase } from '../../../../src/domain/ports/spool.ts';
import type { ClientRefusals, MemoryRows, MemoryState } from './state.ts';

const noRefusals: ClientRefusals = { refusals: 0, grantIds: [], pauses: 0, pausedUntil: null, probeUntil: null };

export function createMemoryRefreshes({ rows, write }: MemoryState, clock: () => Date): RefreshStore {
  const onDemand = new Map<string, number[]>();
  return {
    find: async (grantId) => withConnection(rows, grantId),

    acquire: (grantId, owner, leaseMs, version) =>
      write((draft) => {
        const held = withConnection(draft, grantId);
        if (held === undefined || (version !== undefined && held.grant.version !== version)) return undefined;
        const now = clock();
        const { leaseOwner, leaseUntil, refreshStartedAt } = held.grant;
        if (leaseUntil !== null && leaseUntil > now) return undefined;
        const leased = { ...held.grant, leaseOwner: owner, leaseUntil: new Date(now.getTime() + leaseMs) };
        draft.grants.set(grantId, { ...leased, refreshStartedAt: now });
        const clientPaused = (draft.clientRefusals.get(held.connection.id)?.pausedUntil ?? null) !== null;
        const marks = { interrupted: refreshStartedAt !== null, lapsed: leaseOwner !== null, clientPaused };
        return { ...held, grant: leased, ...marks };
      }),

    countOnDemand: async (grantId, { most, withinMs }) => {
      const now = clock().getTime();
      const recent = (onDemand.get(grantId) ?? []).filter((at) => at > now - withinMs);
      const [oldest = now] = recent;
      if (recent.length >= most) return oldest + withinMs - now;
      onDemand.set(grantId, [...recent, now]);
      return undefined;
    },

    reportToken: ({ id, version }) =>
      write((draft) => {
        const held = draft.grants.get(id);
        if (held?.version === version) draft.grants.set(id, { ...held, reportedVersion: version });
      }),

    release: ({ grant }, owner) => write((draft) => giveBack(draft, grant, owner, grant.refreshStartedAt)),

    save: (base, owner, tokens, event) =>
      write((draft) => {
        const held = unmoved(draft, base);
        if (held === undefined) return rejected(draft, base, owner);
        const renewed = renewedGrant(held, tokens, event.time);
        draft.grants.set(base.id, { ...renewed, ...leaseAfter(held, owner) });
        draft.clientRefusals.delete(held.connectionId);
        draft.audit.push(event);
        return true;
      }),

    keepLease: ({ id, version }, owner, leaseMs) =>
      write((draft) => {
        const held = draft.grants.get(id);
        if (held?.version !== version || held.leaseOwner !== owner) return;
        draft.grants.set(id, { ...held, leaseUntil: new Date(clock().getTime() + leaseMs) });
      }),

    fail: ({ grant }, owner, failure, event) =>
      write((draft) => {
        const held = unmoved(draft, grant);
        if (held === undefined) return rejected(draft, grant, owner);
        draft.grants.set(grant.id, { ...held, ...failed(held, owner, failure, event.time) });
        draft.audit.push(event);
        return true;
      }),

    countClientRefusal: ({ id, connectionId }, rule) =>
      write((draft) => {
        if (!draft.connections.has(connectionId)) return;
        const now = clock();
        const before = draft.clientRefusals.get(connectionId) ?? noRefusals;
        const grantIds = witnessesWith(draft, before.grantIds, id, rule.grants);
        const counted = { ...before, refusals: before.refusals + 1, grantIds };
        const able = [...draft.grants.values()].filter(
          (grant) => grant.connectionId === connectionId && grant.metadata?.refreshable === true,
        );
        const isPaused = before.pausedUntil !== null && before.pausedUntil > now;
        const ownerOf = (grantId: string) => draft.grants.get(grantId)?.organizationId;
        const owners = new Set(grantIds.map(ownerOf));
        const isSeenByAll = owners.size > 1 || able.every(({ organizationId }) => owners.has(organizationId));
        const hasWitnesses = isSeenByAll && grantIds.length >= Math.min(rule.grants, able.length);
        const pauses = counted.refusals >= rule.refusals && hasWitnesses && !isPaused;
        const pauseMs = Math.min(rule.firstMs * 2 ** before.pauses, rule.maxMs);
        const paused = {
          ...counted,
          pauses: before.pauses + 1,
          pausedUntil: new Date(now.getTime() + pauseMs),
          probeUntil: null,
        };
        draft.clientRefusals.set(connectionId, pauses ? paused : counted);
      }),

    takeClientProbe: (connectionId, forMs) =>
      write((draft) => {
        const now = clock();
        const held = draft.clientRefusals.get(connectionId);
        if (held === undefined || held.pausedUntil === null) return undefined;
        const until = [held.pausedUntil, held.probeUntil].find((at) => at !== null && at > now);
        if (until !== undefined && until !== null) return until;
        draft.clientRefusals.set(connectionId, { ...held, probeUntil: new Date(now.getTime() + forMs) });
        return undefined;
      }),

    liftClientPause: (connectionId) => write((draft) => void draft.clientRefusals.delete(connectionId)),
  };
}

/** Adds a witness. Of more than `max`, one of another organisation replaces the last. */
function witnessesWith({ grants }: MemoryRows, held: readonly string[], id: string, max: number): string[] {
  if (held.includes(id)) return [...held];
  if (held.length < max) return [...held, id];
  const owner = grants.get(id)?.organizationId;
  return held.some((each) => grants.get(each)?.organizationId === owner) ? [...held] : [...held.slice(0, max - 1), id];
}

function withConnection(rows: MemoryRows, grantId: string): GrantWithConnection | undefined {
  const grant = rows.grants.get(grantId);
  const connection = grant && rows.connections.get(grant.connectionId);
  return grant && connection && { grant, connection };
}

function unmoved(rows: MemoryRows, base: Pick<GrantBase, 'id' | 'version'>): Grant | undefined {
  const grant = rows.grants.get(base.id);
  return grant?.version === base.version ? grant : undefined;
}

function leaseAfter(held: Grant, owner: string): Pick<Grant, 'leaseOwner' | 'leaseUntil'> {
  const { leaseOwner, leaseUntil } = held;
  return leaseOwner === owner ? { leaseOwner: null, leaseUntil: null } : { leaseOwner, leaseUntil };
}

/** If the version moved, the token that may have been spent is no longer in use: the mark goes. */
function giveBack(rows: MemoryRows, base: GrantBase, owner: string, intent: Date | null): void {
  const held = rows.grants.get(base.id);
  if (held?.leaseOwner !== owner) return;
  rows.grants.set(base.id, {
    ...held,
    leaseOwner: null,
    leaseUntil: null,
    refreshStartedAt: held.version === base.version ? intent : null,
  });
}

function rejected(rows: MemoryRows, base: GrantBase, owner: string): false {
  giveBack(rows, base, owner, null);
  return false;
}

function failed(held: Grant, owner: string, failure: RecordedFailure, at: Date): Partial<Grant> {
  const { failed: reason, message, error = null, retryAt, keepIntent, run = 'grows', continues } = failure;
  return {
    ...leaseAfter(held, owner),
    ...(reason !== null && { status: 'failed', statusReason: reason, statusMessage: message }),
    ...(!keepIntent && held.leaseOwner === owner && { refreshStartedAt: null }),
    ...(error !== null && { lastError: error }),
    retryAt,
    ...(run !== 'stays' && { consecutiveFailures: held.consecutiveFailures + 1 }),
    ...(run === 'grows' && { failingSince: held.failingSince ?? at }),
    ...(run === 'grows' &&
      continues !== undefined && {
        consecutiveFailures: continues.consecutiveFailures + 1,
        failingSince: continues.failingSince ?? at,
      }),
    ...(run === 'restarts' && { failingSince: at }),
    updatedAt: at,
  };
}
