import { type Authorization, settled } from '../../../../src/domain/authorization.ts';
import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { AuthorizationLookup, AuthorizationWithConnection } from '../../../../src/domain/ports/callers.ts';
import type { AuthorizationWriter } from '../../../../src/domain/ports/stores.ts';
import type { MemoryRows, MemoryState } from './state.ts';

export function createMemoryAuthorizations(rows: MemoryRows, organizationId: OrganizationId): AuthorizationWriter {
  const isOpen = ({ status, expiresAt, waiting }: Authorization, now: Date) =>
    (status === 'pending' && expiresAt > now) ||
    (status === 'awaiting_confirmation' && waiting !== null && waiting.until > now);
  const pending = (connectionId: string, now: Date) =>
    [...rows.authorizations.values()].filter((each) => each.connectionId === connectionId && isOpen(each, now));
  const own = (stateHash: string) => {
    const authorization = rows.authorizations.get(stateHash);
    return authorization?.organizationId === organizationId ? authorization : undefined;
  };
  const forgotten = ({ waiting }: Authorization) => waiting && { ...waiting, sealed: null };
  const waitingOf = (connectionId: string) =>
    [...rows.authorizations.values()].filter(
      (each) => each.connectionId === connectionId && each.waiting !== null && each.waiting.sealed !== null,
    );
  const change = (authorization: Authorization, made: Partial<Authorization>) =>
    rows.authorizations.set(authorization.stateHash, { ...authorization, ...made });

  return {
    find: async (stateHash) => {
      const authorization = rows.authorizations.get(stateHash);
      const connection = authorization && rows.connections.get(authorization.connectionId);
      if (!authorization || !connection || authorization.organizationId !== organizationId) return undefined;
      return { authorization, connectionName: connection.name };
    },
    findBound: async (authorizationId) => {
      const authorization = [...rows.authorizations.values()].find(
        (each) => each.binding?.authorizationId === authorizationId && each.organizationId === organizationId,
      );
      const connection = authorization && rows.connections.get(authorization.connectionId);
      return authorization && connection && { authorization, connectionName: connection.name };
    },
    wait: async (stateHash, waiting) => {
      const authorization = own(stateHash);
      if (authorization?.status !== 'testing' || authorization.binding === null) return false;
      change(authorization, { status: 'awaiting_confirmation', sealedVerifier: null, waiting });
      return true;
    },
    lock: async (stateHash) => own(stateHash),
    lockWaiting: async (connectionId, subject) =>
      waitingOf(connectionId).filter(
        (each) => each.organizationId === organizationId && (subject === undefined || each.subject === subject),
      ),
    lockAllWaiting: async (connectionId) =>
      rows.connections.get(connectionId)?.organizationId === organizationId ? waitingOf(connectionId) : [],
    endWait: async (stateHash, settlement) => {
      const authorization = own(stateHash);
      if (authorization?.status !== 'awaiting_confirmation') return false;
      rows.authorizations.set(stateHash, settled(authorization, settlement));
      return true;
    },
    forgetTokens: async (stateHash) => {
      const authorization = own(stateHash);
      if (authorization?.status === 'awaiting_confirmation')
        change(authorization, { waiting: forgotten(authorization) });
    },
    insert: async (authorization) =>
      void rows.authorizations.set(authorization.stateHash, { ...authorization, organizationId }),
    cancelPending: async (connectionId, subject, now) => {
      const own = pending(connectionId, now).filter(
        (each) => each.organizationId === organizationId && (subject === undefined || each.subject === subject),
      );
      for (const each of own) {
        const waiting = forgotten(each);
        change(each, { status: 'cancelled', statusReason: 'authorization_cancelled', sealedVerifier: null, waiting });
      }
      return own.length;
    },
    voidAllOf: async (connectionId, now) => {
      if (rows.connections.get(connectionId)?.organizationId !== organizationId) return 0;
      const all = pending(connectionId, now);
      for (const each of all) {
        const waiting = forgotten(each);
        change(each, { status: 'failed', statusReason: 'configuration_changed', sealedVerifier: null, waiting });
      }
      return all.length;
    },
    countPendingOf: async (connectionId, now) =>
      rows.connections.get(connectionId)?.organizationId === organizationId ? pending(connectionId, now).length : 0,
    settle: async (stateHash, settlement) => {
      const authorization = rows.authorizations.get(stateHash);
      if (authorization === undefined || authorization.organizationId !== organizationId) return;
      if (authorization.status !== 'pending' && authorization.status !== 'testing') return;
      rows.authorizations.set(stateHash, settled(authorization, settlement));
    },
  };
}

export function createMemoryAuthorizationLookup({ rows, write }: MemoryState): AuthorizationLookup {
  const withConnection = (
    { authorizations, connections }: MemoryRows,
    stateHash: string,
  ): AuthorizationWithConnection | undefined => {
    const authorization = authorizations.get(stateHash);
    const connection = authorization && connections.get(authorization.connectionId);
    return authorization && connection && { authorization, connection };
  };
  const change = (
    stateHash: string,
    now: Date,
    made: Partial<Authorization>,
    isAllowed: (authorization: Authorization) => boolean,
  ) =>
    write((draft) => {
      const authorization = draft.authorizations.get(stateHash);
      if (authorization?.status !== 'pending' || authorization.expiresAt <= now) return undefined;
      if (!isAllowed(authorization)) return undefined;
      draft.authorizations.set(stateHash, { ...authorization, ...made });
      return withConnection(draft, stateHash);
    });
  return {
    find: async (stateHash) => withConnection(rows, stateHash),
    listOverdue: async (now, limit) =>
      [...rows.authorizations.values()]
        .filter(({ waiting }) => waiting !== null && waiting.sealed !== null && waiting.until <= now)
        .slice(0, limit),
    findDeleted: async (stateHash) => rows.deletedAuthorizations.get(stateHash),
    bind: (stateHash, browserHash, now) => change(stateHash, now, { browserHash }, () => true),
    consume: (stateHash, { browserHash, callbackHash }, now) =>
      change(stateHash, now, { status: 'testing', callbackHash }, (held) => held.browserHash === browserHash),
  };
}
