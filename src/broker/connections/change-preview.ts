import type { Connection } from '../../domain/connections/connection.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import type { TransactionStores } from '../../domain/ports/stores.ts';
import type { ConnectionView } from './connection-view.ts';

/** Effects of a change on rows other than the connection's own. */
export interface ChangeEffects {
  /** Working grants that lose their tokens. */
  grantsDisconnected: number;
  /** Owners of these grants; the global scope counts as one. */
  organizationsDisconnected: number;
  /** Pending authorizations that become void. */
  authorizationsVoided: number;
  workflowsDisabled: number;
  /** Whether tokens are sent to the provider's revocation endpoint. */
  revokedAtProvider: boolean;
  /** Whether the change is refused because the request lacks the client secret. */
  clientSecretRequired: boolean;
}

/** Result of a dry run: the connection before and after the change. Null for one that does not exist. */
export interface ChangePreview {
  before: ConnectionView | null;
  after: ConnectionView | null;
  changesSecret: boolean;
  /** Fingerprint of the client secret after the change; null for none. */
  secretFingerprint: Uint8Array | null;
  effects: ChangeEffects;
}

export const noEffects: ChangeEffects = {
  grantsDisconnected: 0,
  organizationsDisconnected: 0,
  authorizationsVoided: 0,
  workflowsDisabled: 0,
  revokedAtProvider: false,
  clientSecretRequired: false,
};

/** Counts what ends when every token set and pending authorization of a connection does, and the owners it concerns. */
export async function countEnding(
  { grants, authorizations }: Pick<TransactionStores, 'grants' | 'authorizations'>,
  { id }: Connection,
  now: Date,
): Promise<Pick<ChangeEffects, 'grantsDisconnected' | 'organizationsDisconnected' | 'authorizationsVoided'>> {
  const working = await grants.countWorkingOf(id);
  return {
    grantsDisconnected: working.grants,
    organizationsDisconnected: working.organizations,
    authorizationsVoided: await authorizations.countPendingOf(id, now),
  };
}

/** Returns the record of a connection without grant and authorization, as it is after creation. */
export function newRecord(connection: Connection): ConnectionRecord {
  const state = { status: 'not_connected', statusReason: null, statusMessage: null } as const;
  return { connection, ...state, failure: null, served: null, shadowed: false };
}
