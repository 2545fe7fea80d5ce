import type { AuditEvent } from '../../audit.ts';
import type { Connection } from '../../connections/connection.ts';
import type { Grant } from '../../grants/grant.ts';
import type { Sealed } from '../cipher.ts';
import type { GrantLane } from './lanes.ts';

/** Part of a grant that a revocation at the provider needs. */
export type RevocableGrant = Pick<Grant, 'id' | 'organizationId' | 'origins'>;

/** Part of a connection that a revocation needs. A pending revocation keeps a copy, which outlives the connection. */
export type RevokingConnection = Pick<
  Connection,
  | 'id'
  | 'organizationId'
  | 'name'
  | 'settings'
  | 'configVersion'
  | 'sealedClientSecrets'
  | 'clientSecretRefusedAt'
  | 'secretOrigins'
>;

/** A token set that the broker holds no more, and that the provider may still accept. */
export interface PendingRevocation {
  id: string;
  grant: RevocableGrant & Pick<Grant, 'subject'> & { sealedTokens: Sealed };
  /** Copy from when the grant ended. The client secrets are the present ones while the client is unchanged. */
  connection: RevokingConnection;
  /** Attempts so far, the claimed one included. */
  attempts: number;
  createdAt: Date;
  /** Whether the client was deleted or replaced since: no edit can mend its secrets. */
  isClientGone: boolean;
}

export interface AddedRevocation {
  id: string;
  grantId: string;
}

export interface RevocationWriter {
  /**
   * Adds one revocation for each of these grants that has tokens, and locks the grants: no refresh replaces the tokens
   * before the transaction has ended. Takes grants of this organisation, or of a connection that it owns. Nothing is
   * due before `dueAt`, so that the caller can make the first attempts itself.
   */
  add(
    connection: RevokingConnection,
    grantIds: readonly string[],
    times: { now: Date; dueAt: Date },
  ): Promise<AddedRevocation[]>;
  /** Adds the revocation of tokens that never became a grant. They are sealed as those of a grant with this id. */
  addTokens(
    connection: RevokingConnection,
    tokens: PendingRevocation['grant'],
    times: { now: Date; dueAt: Date },
  ): Promise<AddedRevocation>;
}

/** A claim of one row, for one attempt. No other process gets the row before `until`. */
export interface RevocationClaim {
  now: Date;
  until: Date;
}

export interface RevocationStore {
  /** Returns at most `limit` lanes with due revocations, in random order. */
  lanes(now: Date, limit: number): Promise<GrantLane[]>;
  /** Claims the due revocation of a lane that has waited longest. */
  claimDue(lane: GrantLane, claim: RevocationClaim): Promise<PendingRevocation | undefined>;
  /** Claims a revocation for its first attempt. Undefined if another process claimed it. */
  claimFirst(id: string, claim: RevocationClaim): Promise<PendingRevocation | undefined>;
  /** Tells whether the same organisation and subject have tokens again, below a connection of the same owner and name. */
  isConnectedAgain(revocation: Pick<PendingRevocation, 'grant' | 'connection'>): Promise<boolean>;
  /** Sets the time of the next attempt. `error` says why this one failed and quotes no provider. */
  postpone(id: string, next: { at: Date; error: string }): Promise<void>;
  /** Deletes a revocation, with the event of its end in the same statement. */
  remove(id: string, event: AuditEvent | null): Promise<void>;
}
