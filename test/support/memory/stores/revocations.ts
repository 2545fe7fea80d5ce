import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type {
  PendingRevocation,
  RevocationClaim,
  RevocationStore,
  RevocationWriter,
} from '../../../../src/domain/ports/maintenance/revocations.ts';
import type { MemoryRows, MemoryState } from './state.ts';

export interface MemoryRevocation extends Omit<PendingRevocation, 'isClientGone'> {
  nextTryAt: Date;
  lastError: string | null;
}

export function createMemoryRevocationWriter(rows: MemoryRows, organizationId: OrganizationId): RevocationWriter {
  return {
    add: async (connection, grantIds, { now, dueAt }) => {
      const ownsConnection = rows.connections.get(connection.id)?.organizationId === organizationId;
      return grantIds.flatMap((grantId) => {
        const grant = rows.grants.get(grantId);
        if (grant === undefined || grant.sealedTokens === null || grant.connectionId !== connection.id) return [];
        if (grant.organizationId !== organizationId && !ownsConnection) return [];
        const { id, organizationId: owner, origins, sealedTokens, subject } = grant;
        const row: MemoryRevocation = {
          id: String(++rows.lastRevocationId.value),
          grant: { id, organizationId: owner, subject, origins, sealedTokens },
          connection,
          attempts: 0,
          createdAt: now,
          nextTryAt: dueAt,
          lastError: null,
        };
        rows.revocations.set(row.id, row);
        return [{ id: row.id, grantId }];
      });
    },
    addTokens: async (connection, grant, { now, dueAt }) => {
      if (grant.organizationId !== organizationId && connection.organizationId !== organizationId)
        throw new Error('the tokens belong to another organisation');
      const id = String(++rows.lastRevocationId.value);
      const times = { createdAt: now, nextTryAt: dueAt };
      rows.revocations.set(id, { id, grant, connection, attempts: 0, lastError: null, ...times });
      return { id, grantId: grant.id };
    },
  };
}

export function createMemoryRevocations({ rows, write }: MemoryState): RevocationStore {
  const isDue = (row: MemoryRevocation, now: Date) => row.nextTryAt <= now;
  const claim = (row: MemoryRevocation | undefined, { until }: RevocationClaim, draft: MemoryRows) => {
    if (row === undefined) return undefined;
    const claimed = { ...row, attempts: row.attempts + 1, nextTryAt: until };
    draft.revocations.set(row.id, claimed);
    return toPending(claimed, draft);
  };

  return {
    lanes: async (now, limit) => {
      const due = [...rows.revocations.values()].filter((row) => isDue(row, now));
      const lanes = new Map(
        due.map(({ grant, connection }) => [`${connection.id} ${grant.organizationId}`, { grant, connection }]),
      );
      return [...lanes.values()]
        .slice(0, limit)
        .map(({ grant, connection }) => ({ organizationId: grant.organizationId, connectionId: connection.id }));
    },
    claimDue: ({ organizationId, connectionId }, times) =>
      write((draft) => {
        const [first] = [...draft.revocations.values()]
          .filter((row) => row.connection.id === connectionId && row.grant.organizationId === organizationId)
          .filter((row) => isDue(row, times.now))
          .sort((a, b) => a.nextTryAt.getTime() - b.nextTryAt.getTime());
        return claim(first, times, draft);
      }),
    claimFirst: (id, times) =>
      write((draft) => {
        const row = draft.revocations.get(id);
        return claim(row?.attempts === 0 ? row : undefined, times, draft);
      }),
    isConnectedAgain: async ({ grant, connection }) =>
      [...rows.grants.values()].some((each) => {
        const { name, organizationId } = rows.connections.get(each.connectionId) ?? {};
        const isSameConnection = name === connection.name && organizationId === connection.organizationId;
        const isSameSlot = each.organizationId === grant.organizationId && each.subject === grant.subject;
        return isSameConnection && isSameSlot && each.sealedTokens !== null;
      }),
    postpone: (id, { at, error }) =>
      write((draft) => {
        const row = draft.revocations.get(id);
        if (row !== undefined) draft.revocations.set(id, { ...row, nextTryAt: at, lastError: error });
      }),
    remove: (id, event) =>
      write((draft) => {
        if (draft.revocations.delete(id) && event !== null) draft.audit.push(event);
      }),
  };
}

function toPending(row: MemoryRevocation, { connections }: MemoryRows): PendingRevocation {
  const { nextTryAt, lastError, ...revocation } = row;
  const { connection: copy } = revocation;
  const present = connections.get(copy.id);
  const client = present?.configVersion === copy.configVersion ? present : undefined;
  return {
    ...revocation,
    connection:
      client === undefined
        ? copy
        : {
            ...copy,
            sealedClientSecrets: client.sealedClientSecrets,
            clientSecretRefusedAt: client.clientSecretRefusedAt,
            secretOrigins: client.secretOrigins,
          },
    isClientGone: client === undefined,
  };
}
